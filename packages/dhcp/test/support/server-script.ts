import { formatIpv4, type Ipv4, ipv4, ipv4Prefix, type Mac, mac } from '@fata/addr'
import { ServerCore, type ServerOutcome } from '../../src/core/server.ts'
import { coreSettings, type DhcpServerOptions, serverSettings } from '../../src/server-options.ts'
import {
  type DhcpMessage,
  getOption,
  OPTION_LEASE_TIME,
  OPTION_REQUESTED_ADDRESS,
  OPTION_SERVER_ID,
} from '../../src/wire.ts'
import { message, SERVER, type Setting, setting } from './messages.ts'

export const OPTIONS: DhcpServerOptions = {
  address: SERVER,
  subnets: [
    {
      prefix: ipv4Prefix('10.0.0.0/24'),
      ranges: [{ first: ipv4('10.0.0.100'), last: ipv4('10.0.0.103') }],
      routers: [SERVER],
      dnsServers: [ipv4('9.9.9.9')],
      domainName: 'example.test',
    },
  ],
}

export function station(n: number): Mac {
  return mac(`02:00:00:00:01:${n.toString(16).padStart(2, '0')}`)
}

/** What a server makes of a message, in a line. */
function text({ ignored, binding, reply }: ServerOutcome): string {
  const parts: string[] = []
  if (ignored !== undefined) parts.push(`ignored: ${ignored}`)
  if (binding !== undefined) parts.push(`${binding.state} ${formatIpv4(binding.address)}`)
  if (reply !== undefined) {
    const { message: m, to } = reply
    const yiaddr = m.yiaddr === 0 ? '' : ` ${formatIpv4(m.yiaddr)}`
    const seconds = getOption(m.options, OPTION_LEASE_TIME)
    parts.push(
      `${m.type}${yiaddr}${seconds === undefined ? '' : ` ${seconds} s`} to ${to.kind} ${formatIpv4(to.address)}`,
    )
  }
  return parts.join(', ')
}

/** A server core in virtual time. */
export interface ServerScript {
  readonly core: ServerCore
  now: number
  /** Of the last message. */
  outcome: ServerOutcome
  arrives(message: DhcpMessage): string
  discover(n: number, options?: readonly Setting[], fields?: Partial<DhcpMessage>): string
  /** Of a client in SELECTING. */
  request(n: number, address: string, options?: readonly Setting[], fields?: Partial<DhcpMessage>): string
  /** Of a client in INIT-REBOOT. */
  reboot(n: number, address: string, fields?: Partial<DhcpMessage>): string
  /** Of a client in RENEWING or REBINDING. */
  renew(n: number, address: string, fields?: Partial<DhcpMessage>): string
  decline(n: number, address: string): string
  release(n: number, address: string): string
  /** Discovers and requests; the address that the client got. */
  acquires(n: number, fields?: Partial<DhcpMessage>): string
  passes(seconds: number): void
}

export function serverScript(options: Partial<DhcpServerOptions> = {}): ServerScript {
  const core = new ServerCore(coreSettings(serverSettings({ ...OPTIONS, ...options })))
  const from = (
    n: number,
    type: DhcpMessage['type'],
    fields: Partial<DhcpMessage> = {},
    more: readonly Setting[] = [],
  ) => s.arrives(message({ type, chaddr: station(n), ...fields }, more))
  const wanted = (address: string): Setting => setting(OPTION_REQUESTED_ADDRESS, ipv4(address))
  const server = setting(OPTION_SERVER_ID, SERVER)
  const s: ServerScript = {
    core,
    now: 1_000_000,
    outcome: {},
    arrives(m) {
      s.outcome = core.receive(s.now, m)
      return text(s.outcome)
    },
    discover: (n, more, fields) => from(n, 'discover', fields, more),
    request: (n, address, more = [], fields = {}) => from(n, 'request', fields, [wanted(address), server, ...more]),
    reboot: (n, address, fields) => from(n, 'request', fields, [wanted(address)]),
    renew: (n, address, fields) => from(n, 'request', { ciaddr: ipv4(address), ...fields }),
    decline: (n, address) => from(n, 'decline', {}, [wanted(address), server]),
    release: (n, address) => from(n, 'release', { ciaddr: ipv4(address) }, [server]),
    acquires(n, fields) {
      s.discover(n, [], fields)
      const offered = s.outcome.reply?.message.yiaddr
      if (offered === undefined) return text(s.outcome)
      const got = formatIpv4(offered as Ipv4)
      s.request(n, got, [], fields)
      return s.outcome.reply?.message.type === 'ack' ? got : text(s.outcome)
    },
    passes(seconds) {
      s.now += seconds * 1000
    },
  }
  return s
}
