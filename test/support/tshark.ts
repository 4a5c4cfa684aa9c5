import { formatMac, type Mac } from '@fata/addr'
import { run } from './process.ts'

/** The lines of tshark about the packets of a capture that match a display filter, every checksum checked. */
export async function tshark(file: string, filter: string): Promise<string[]> {
  const checks = ['ip', 'tcp', 'udp'].flatMap((protocol) => ['-o', `${protocol}.check_checksum:TRUE`])
  const { stdout, stderr, code } = await run('tshark', [
    '-r',
    file,
    ...checks,
    ...(await withoutGuesses()),
    '-Y',
    filter,
  ])
  // A capture that is still being written may end within a packet: 2.
  if (code !== 0 && code !== 2) throw new Error(`tshark: ${stderr}`)
  return stdout.split('\n').filter((line) => line !== '')
}

const KNOWN_BY_PORT = new Set(['dns', 'http'])
let guesses: Promise<string[]> | undefined

/** tshark does not guess which protocol random payload might be: sooner or later it is a malformed one. */
function withoutGuesses(): Promise<string[]> {
  guesses ??= run('tshark', ['-G', 'heuristic-decodes']).then(({ stdout }) => {
    const rows = stdout.split('\n').map((line) => line.split('\t'))
    const names = rows
      .filter(([layer]) => layer === 'tcp' || layer === 'udp')
      .map(([, name]) => name!)
      .filter((name) => !KNOWN_BY_PORT.has(name))
    return [...new Set(names)].flatMap((name) => ['--disable-protocol', name])
  })
  return guesses
}

/** The lines about what a device has sent and should not have: nothing, one hopes. */
export function faultsOf(file: string, sender: Mac): Promise<string[]> {
  return tshark(file, `eth.src == ${formatMac(sender)} && (${FAULTS})`)
}

/** What nothing that we send may be. An ICMP error quotes what others sent, cut short, so that of these only the checksums count. */
const FAULTS = [
  ...['ip', 'icmp', 'icmpv6', 'igmp'].map((protocol) => `${protocol}.checksum.status == 0`),
  '(!(icmp.type == 3 || icmp.type == 11 || icmp.type == 12 || icmpv6.type < 128) && (tcp.checksum.status == 0 || udp.checksum.status == 0))',
  '(!icmp && !icmpv6 && (_ws.malformed || _ws.expert.severity == 8388608))',
].join(' || ')
