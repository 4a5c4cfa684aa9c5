import { type Ipv4, isIpv4Loopback, prefixContains } from '@fata/addr'
import { type IpPacket, type IpReportKind, PROTOCOL_ICMP } from '@fata/ip'
import { isSingleHost } from './core/error-rules.ts'
import type { Host } from './host.ts'
import type { Reports } from './reports.ts'
import {
  createIcmpQuote,
  decodeQuote,
  ICMP_TIME_EXCEEDED,
  ICMP_UNREACHABLE,
  type IcmpHeader,
  type IcmpQuote,
  type QuoteMalformed,
  UNREACHABLE_FRAGMENTATION_NEEDED,
} from './wire.ts'

/** By code of 'destination unreachable': RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1. */
const UNREACHABLE: readonly IpReportKind[] = [
  'net-unreachable',
  'host-unreachable',
  'protocol-unreachable',
  'port-unreachable',
  'packet-too-big',
  'source-route-failed',
  'net-unreachable',
  'host-unreachable',
  'host-unreachable',
  'prohibited',
  'prohibited',
  'net-unreachable',
  'host-unreachable',
  'prohibited',
  'prohibited',
  'prohibited',
]
const TIME_EXCEEDED: readonly IpReportKind[] = ['time-exceeded', 'reassembly-timeout']

function kindOf(m: IcmpHeader): IpReportKind | undefined {
  if (m.type === ICMP_UNREACHABLE) return UNREACHABLE[m.code]
  if (m.type === ICMP_TIME_EXCEEDED) return TIME_EXCEEDED[m.code]
  return 'parameter-problem'
}

/** RFC 1191 §3 */
const LEAST_MTU = 68

/** Why an ICMP error is ignored. */
export type IcmpRefusal =
  | QuoteMalformed
  | 'icmp-error-to-group'
  | 'icmp-quote-not-ours'
  | 'icmp-quote-fragment'
  | 'icmp-unknown-code'
  | 'icmp-bad-mtu'
  | 'icmp-redirect-refused'

/** Received errors about packets of this host. */
export class IcmpErrors {
  readonly #host: Host
  readonly #reports: Reports
  readonly #quote = createIcmpQuote()

  constructor(host: Host, reports: Reports) {
    this.#host = host
    this.#reports = reports
  }

  /** The error `m` stands at `buf[off..end)`. Returns why it is ignored. */
  input(m: IcmpHeader, buf: Uint8Array, off: number, end: number, packet: IpPacket): IcmpRefusal | undefined {
    const quote = this.#ownQuote(buf, off, end, packet)
    if (typeof quote === 'string') return quote
    const kind = kindOf(m)
    if (kind === undefined) return 'icmp-unknown-code'
    if (quote.protocol !== PROTOCOL_ICMP && !this.#host.listeners.has(quote.protocol)) return 'icmp-quote-not-ours'
    const isTooBig = m.type === ICMP_UNREACHABLE && m.code === UNREACHABLE_FRAGMENTATION_NEEDED
    const mtu = isTooBig ? m.rest & 0xffff : 0
    if (isTooBig && !this.#learnMtu(quote, mtu)) return 'icmp-bad-mtu'
    this.#reports.tell(kind, packet.src as Ipv4, mtu, buf, quote)
    return undefined
  }

  /** What the error quotes, where that was sent by this host. */
  #ownQuote(buf: Uint8Array, off: number, end: number, packet: IpPacket): IcmpQuote | IcmpRefusal {
    const { core, settings } = this.#host
    if (packet.multicast) return 'icmp-error-to-group'
    const quote = decodeQuote(buf, off, end, this.#quote)
    if (typeof quote === 'string') return quote
    const { src } = quote
    // From a link no packet has a loopback source, so this one has come from this host.
    const isOwn = core.addresses.has(src) || (isIpv4Loopback(src) && isIpv4Loopback(packet.src as Ipv4))
    if (!isOwn && !settings.transparent) return 'icmp-quote-not-ours'
    // Only the first fragment tells whose packet it was.
    return quote.fragmentOffset === 0 ? quote : 'icmp-quote-fragment'
  }

  /** RFC 1191 §3. False where no router can have said so. */
  #learnMtu(quote: IcmpQuote, mtu: number): boolean {
    const { driver, link } = this.#host
    const { dst, totalLength, headerLength, dontFragment } = quote
    if (!dontFragment || (mtu !== 0 && (mtu < LEAST_MTU || mtu >= totalLength))) return false
    driver.step((core, now) => core.pathMtus.tooBig(now, dst, mtu, totalLength, headerLength, link.mtu))
    return true
  }

  /** RFC 1122 §3.2.2.2: only the gateway in use may say so, and only about another station on the link. Returns why it is ignored. */
  redirect(gateway: Ipv4, buf: Uint8Array, off: number, end: number, packet: IpPacket): IcmpRefusal | undefined {
    const { core, driver, settings, link } = this.#host
    const quote = this.#ownQuote(buf, off, end, packet)
    if (typeof quote === 'string') return quote
    const { dst } = quote
    const path = core.paths.to(dst)
    const isGateway = path?.kind === 'station' && path.nextHop === packet.src && path.nextHop !== dst
    if (!settings.acceptRedirects || link.mac === undefined || !isGateway || !this.#isStation(gateway))
      return 'icmp-redirect-refused'
    driver.step((c, now) => c.redirects.learn(now, dst, gateway))
    core.paths.changed()
    return undefined
  }

  /** `a` may be another station on the link. */
  #isStation(a: Ipv4): boolean {
    const own = this.#host.core.addresses
    return isSingleHost(a) && !own.has(a) && !own.isBroadcast(a) && own.list.some((prefix) => prefixContains(prefix, a))
  }
}
