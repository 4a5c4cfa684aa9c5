import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mac } from '@fata/addr'
import { fromHex } from '@fata/bytes'
import { createVirtualRuntime } from '@fata/runtime'
import { createPair, createSwitch } from '@fata/vnetif'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { capture, createPcapWriter } from '../src/index.ts'
import { Collected } from './files.ts'

const hasTshark = spawnSync('tshark', ['-v']).status === 0
if (!hasTshark) console.log('skipped: pcap read by tshark (tshark is not installed)')

// ARP, Request who-has 10.0.0.2 tell 10.0.0.1, length 28
const ARP = fromHex('ffffffffffff 020000000001 0806 0001080006040001 020000000001 0a000001 000000000000 0a000002')
// IP 10.0.0.1 > 10.0.0.2: ICMP echo request, id 1, seq 1, length 8
const PING = fromHex('45000020 00010000 4001 66da 0a000001 0a000002 0800f7fd 0001 0001 00000000')
// IP6 fe80::1 > ff02::1: ICMP6, echo request, id 1, seq 1, length 8
const PING6 = fromHex(
  '60000000 00083aff fe800000000000000000000000000001 ff020000000000000000000000000001 8000 8235 0001 0001',
)

/** Everything that the writer can say, in one file. */
async function buildFile(): Promise<Uint8Array> {
  const { clock, random } = createVirtualRuntime()
  const file = new Collected()
  const writer = createPcapWriter({ sink: file.sink, clock }, { application: 'Fata test', comment: 'whole file' })
  const network = createSwitch({ clock, random })
  const a = network.port({ mac: mac('02:00:00:00:00:01') })
  const b = network.port({ mac: mac('02:00:00:00:00:02'), rx: { latencyMs: 1.234567 } })
  const first = capture(a, writer, { name: 'a', description: 'first port', comment: 'of the switch' })
  const second = capture(b, writer, { name: 'b', snaplen: 20 })
  const bare = capture(createPair({ clock, random }).a, writer, { name: 'tun' })
  second.listen({ frame: () => {} })
  const write = (net: typeof first, bytes: Uint8Array): void =>
    net.write(bytes.length, (buf, off) => {
      buf.set(bytes, off)
      return bytes.length
    })
  write(first, ARP)
  clock.advance(1.234567)
  write(bare, PING)
  clock.advance(0.000001)
  write(bare, PING6)
  writer.packet(2, 'in', PING, 0, PING.length, undefined, 'a comment: höhö')
  for (const net of [first, second, bare]) await net.close()
  writer.close()
  return file.bytes
}

describe.skipIf(!hasTshark)('tshark', () => {
  let folder: string
  let path: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'fata-pcap-'))
    path = join(folder, 'test.pcapng')
    writeFileSync(path, await buildFile())
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const tshark = (...args: string[]): string[] => {
    const { stdout, stderr, status } = spawnSync('tshark', ['-r', path, ...args], { encoding: 'utf8' })
    expect(stderr.replace(/^Running as user "root".*\n/gm, '')).toBe('')
    expect(status).toBe(0)
    return stdout.replace(/\n$/, '').split('\n')
  }

  it('reads every field of every packet, without a warning', () => {
    const fields = ['frame.interface_name', 'frame.time_epoch', 'frame.packet_flags_direction', 'frame.cap_len']
    const args = [...fields, 'frame.len', 'frame.protocols', 'frame.comment', '_ws.expert'].flatMap((f) => ['-e', f])
    expect(tshark('-T', 'fields', '-E', 'separator=|', ...args)).toEqual([
      'a|1577836800.000000000|0x00000002|42|42|eth:ethertype:arp||',
      'b|1577836800.001234567|0x00000001|20|42|eth:ethertype:arp||',
      'tun|1577836800.001234567|0x00000002|32|32|raw:ip:icmp:data||',
      'tun|1577836800.001234568|0x00000002|48|48|raw:ipv6:icmpv6||',
      'tun|1577836800.001234568|0x00000001|32|32|raw:ip:icmp:data|a comment: höhö|Expert Info (Comment/Comment): a comment: höhö',
    ])
  })

  it('verifies the checksums in it', () => {
    const args = [
      '-o',
      'ip.check_checksum:TRUE',
      '-T',
      'fields',
      '-e',
      'ip.checksum.status',
      '-e',
      'icmp.checksum.status',
    ]
    expect(tshark(...args, '-e', 'icmpv6.checksum.status', '-Y', 'icmp or icmpv6')).toEqual([
      '1\t1\t',
      '\t\t1',
      '1\t1\t',
    ])
  })

  it('would warn of a truncated file', async () => {
    const cut = join(folder, 'cut.pcapng')
    writeFileSync(cut, (await buildFile()).slice(0, -5))
    expect(spawnSync('tshark', ['-r', cut], { encoding: 'utf8' }).stderr).toContain('cut short')
  })
})
