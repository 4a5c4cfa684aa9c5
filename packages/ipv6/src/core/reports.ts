import { type Ipv6, readIpv6 } from '@fata/addr'
import { type IpReportKind, PROTOCOL_ICMPV6 } from '@fata/ip'
import { countDrop } from '@fata/net'
import { createHeaderChain, skipHeaders, startChain } from '../wire/header-chain.ts'
import {
  EXCEEDED_REASSEMBLY,
  echoId,
  echoSequence,
  ICMPV6_DESTINATION_UNREACHABLE,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_PACKET_TOO_BIG,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_TIME_EXCEEDED,
  PARAMETER_UNRECOGNIZED_NEXT_HEADER,
  UNREACHABLE_ADDRESS,
  UNREACHABLE_BEYOND_SCOPE,
  UNREACHABLE_NO_ROUTE,
  UNREACHABLE_PORT,
} from '../wire/icmpv6.ts'
import { DESTINATION, IPV6_HEADER_LEN, NEXT_HEADER, SOURCE } from '../wire/ipv6-header.ts'
import type { Host } from './host.ts'
import { type QueuedPacket, sourceOf } from './queued-packet.ts'

/** A transport can tell its connection by so many bytes, RFC 4443 §2.4 (d). */
const MIN_QUOTE = 8

/** What an error says, and who says so. */
export interface Finding {
  readonly kind: IpReportKind
  readonly reporter: Ipv6
  readonly mtu: number
  /** Of the packet that brought it; 0 where this host found out. */
  readonly hopLimit: number
}

const chain = createHeaderChain()

/** What an ICMPv6 error means to a transport, RFC 4443 §3; undefined for an unknown type. */
export function reportKind(type: number, code: number): IpReportKind | undefined {
  switch (type) {
    case ICMPV6_DESTINATION_UNREACHABLE:
      return unreachableKind(code)
    case ICMPV6_PACKET_TOO_BIG:
      return 'packet-too-big'
    case ICMPV6_TIME_EXCEEDED:
      return code === EXCEEDED_REASSEMBLY ? 'reassembly-timeout' : 'time-exceeded'
    case ICMPV6_PARAMETER_PROBLEM:
      return code === PARAMETER_UNRECOGNIZED_NEXT_HEADER ? 'protocol-unreachable' : 'parameter-problem'
    default:
      return undefined
  }
}

/** Codes 5 and 6 are kinds of code 1, RFC 4443 §3.1. */
function unreachableKind(code: number): IpReportKind {
  switch (code) {
    case UNREACHABLE_NO_ROUTE:
    case UNREACHABLE_BEYOND_SCOPE:
      return 'net-unreachable'
    case UNREACHABLE_ADDRESS:
      return 'host-unreachable'
    case UNREACHABLE_PORT:
      return 'port-unreachable'
    default:
      return 'prohibited'
  }
}

/** Tells the transport, or the ping, whose packet is quoted at `b[start..end)`. Says why it cannot be told. */
export function report(
  host: Host,
  now: number,
  finding: Finding,
  b: Uint8Array,
  start: number,
  end: number,
): 'icmp-quote-too-short' | undefined {
  startChain(chain, b, start + NEXT_HEADER, start + IPV6_HEADER_LEN)
  if (!skipHeaders(chain, b, end) || end - chain.off < MIN_QUOTE) return 'icmp-quote-too-short'
  const { protocol, off } = chain
  const { kind, reporter, mtu, hopLimit } = finding
  const dst = readIpv6(b, start + DESTINATION)
  countDrop(host.stats.errorsReported, kind)
  if (protocol === PROTOCOL_ICMPV6 && b[off] === ICMPV6_ECHO_REQUEST) {
    const request = { id: echoId(b, off), sequence: echoSequence(b, off), dst }
    host.pings.failed(now, request, { kind, from: reporter, hopLimit, mtu })
  }
  const src = readIpv6(b, start + SOURCE)
  host.out.push({ kind: 'report', protocol, report: { kind, src, dst, reporter, mtu, buf: b, off, end } })
  return undefined
}

/** This host found out by itself that `packet` cannot be delivered. */
export function reportUndeliverable(host: Host, now: number, packet: QueuedPacket): void {
  const { bytes } = packet
  const finding: Finding = { kind: 'host-unreachable', reporter: sourceOf(packet), mtu: 0, hopLimit: 0 }
  report(host, now, finding, bytes, 0, bytes.length)
}
