import { type Ipv6, isIpv6Any, isIpv6Multicast, readIpv6 } from '@fata/addr'
import { u32 } from '@fata/bytes'
import { countDrop } from '@fata/net'
import {
  decodeIcmpv6,
  echoId,
  echoSequence,
  ICMPV6_ECHO_REPLY,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_HEADER_LEN,
  ICMPV6_MLD_DONE_V1,
  ICMPV6_MLD_QUERY,
  ICMPV6_MLD_REPORT_V1,
  ICMPV6_MLD_REPORT_V2,
  ICMPV6_NEIGHBOR_ADVERTISEMENT,
  ICMPV6_PACKET_TOO_BIG,
  isIcmpv6Error,
} from '../wire/icmpv6.ts'
import { DESTINATION, IPV6_HEADER_LEN, SOURCE } from '../wire/ipv6-header.ts'
import { decodeMldQuery } from '../wire/mld.ts'
import { decodeNd, isNd } from '../wire/nd.ts'
import { isUsable } from './addresses.ts'
import { type Host, MIN_MTU } from './host.ts'
import { handleNd } from './nd-input.ts'
import { report, reportKind } from './reports.ts'

/** An ICMPv6 message at `buf[off..end)`, and what the headers before it say. */
export interface IcmpMessage {
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly ttl: number
  readonly buf: Uint8Array
  readonly off: number
  readonly end: number
  /** Its checksum has been verified below. */
  readonly verified: boolean
  readonly routerAlert: boolean
  /** A Fragment header came with it. */
  readonly fragmented: boolean
  /** Its source is an own address, and it came by the link. */
  readonly ownSource: boolean
}

/** What is left to be done: answer an echo request, or offer a message that means nothing here to who listens. */
export type IcmpVerdict = 'done' | 'echo' | 'offer'

/** Acts on an ICMPv6 message: RFC 4443 §2.4. */
export function handleIcmpv6(host: Host, now: number, message: IcmpMessage): IcmpVerdict {
  const { src, dst, buf, off, end } = message
  const header = decodeIcmpv6(buf, off, end, src, dst, !message.verified)
  if (typeof header === 'string') return drop(host, header)
  const { type } = header
  // RFC 4862 §5.4.4: an advertisement from an own address tells of another node that has it.
  if (message.ownSource && type !== ICMPV6_NEIGHBOR_ADVERTISEMENT) return drop(host, 'own-source')
  if (isNd(type)) {
    // RFC 6980 §5: a fragmented message could hide its options from who guards the link.
    if (message.fragmented) return drop(host, 'nd-fragmented')
    const nd = decodeNd(buf, off, end, { src, dst, hopLimit: message.ttl })
    const refusal = typeof nd === 'string' ? nd : handleNd(host, now, nd, { src, multicast: isIpv6Multicast(dst) })
    return refusal === undefined ? 'done' : drop(host, refusal)
  }
  if (isIcmpv6Error(type)) return handleError(host, now, message, type, header.code)
  switch (type) {
    case ICMPV6_ECHO_REQUEST:
      if (isIpv6Any(src)) return drop(host, 'unspecified-source')
      return host.settings.answerEcho ? 'echo' : drop(host, 'echo-refused')
    case ICMPV6_ECHO_REPLY:
      return handleEchoReply(host, now, message)
    case ICMPV6_MLD_QUERY:
    case ICMPV6_MLD_REPORT_V1:
    case ICMPV6_MLD_REPORT_V2:
    case ICMPV6_MLD_DONE_V1:
      return handleMld(host, now, message, type)
    default:
      return 'offer'
  }
}

function drop(host: Host, reason: string): 'done' {
  countDrop(host.stats.dropped, reason)
  return 'done'
}

function handleEchoReply(host: Host, now: number, { src, ttl, buf, off, end }: IcmpMessage): IcmpVerdict {
  const reply = { id: echoId(buf, off), sequence: echoSequence(buf, off), from: src, hopLimit: ttl }
  const refusal = host.pings.replied(now, reply, buf, off + ICMPV6_HEADER_LEN, end)
  if (refusal === 'echo-reply-mismatch') return drop(host, refusal)
  return refusal === undefined ? 'done' : 'offer'
}

/** RFC 3810 §6.2; reports and dones are for routers, but for the suppression of RFC 2710 §4. */
function handleMld(host: Host, now: number, message: IcmpMessage, type: number): 'done' {
  const { src, ttl, routerAlert, buf, off, end } = message
  if (type === ICMPV6_MLD_REPORT_V1 && end - off >= 24) host.mld.heardReport(now, readIpv6(buf, off + 8))
  if (type !== ICMPV6_MLD_QUERY) return 'done'
  const query = decodeMldQuery(buf, off, end, { src, hopLimit: ttl, routerAlert })
  if (typeof query === 'string') return drop(host, query)
  host.mld.query(now, query)
  return 'done'
}

/** An error is believed where it quotes a packet that this host may have sent: RFC 4443 §2.4 (d), RFC 8201 §4. */
function handleError(host: Host, now: number, message: IcmpMessage, type: number, code: number): IcmpVerdict {
  const { buf, end, src, ttl } = message
  const quote = message.off + ICMPV6_HEADER_LEN
  const kind = reportKind(type, code)
  if (kind === undefined) return 'offer'
  if (end - quote < IPV6_HEADER_LEN || buf[quote]! >>> 4 !== 6) return drop(host, 'icmp-quote-too-short')
  const own = host.addresses.get(readIpv6(buf, quote + SOURCE))
  if ((own === undefined || !isUsable(own)) && !host.settings.transparent) return drop(host, 'icmp-quote-not-ours')
  const mtu = type === ICMPV6_PACKET_TOO_BIG ? u32(buf, message.off + 4) : 0
  if (type === ICMPV6_PACKET_TOO_BIG) {
    if (mtu < MIN_MTU) return drop(host, 'icmp-mtu-too-small')
    shrinkPath(host, now, readIpv6(buf, quote + DESTINATION), mtu)
  }
  const refusal = report(host, now, { kind, reporter: src, mtu, hopLimit: ttl }, buf, quote, end)
  return refusal === undefined ? 'done' : drop(host, refusal)
}

/** Only of a destination that packets were sent to, so that forged errors do not fill the cache. */
function shrinkPath(host: Host, now: number, dst: Ipv6, mtu: number): void {
  const destination = host.destinations.get(dst)
  if (destination !== undefined && mtu < host.link.mtu) host.destinations.shrink(now, destination, mtu)
}
