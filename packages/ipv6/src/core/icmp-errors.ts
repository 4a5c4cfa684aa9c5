import { type Ipv6, isIpv6Any, isIpv6Multicast } from '@fata/addr'
import { copyBytes } from '@fata/bytes'
import { PROTOCOL_ICMPV6 } from '@fata/ip'
import { countDrop } from '@fata/net'
import { createHeaderChain, skipHeaders, startChain } from '../wire/header-chain.ts'
import {
  encodeIcmpv6,
  ICMPV6_DESTINATION_UNREACHABLE,
  ICMPV6_HEADER_LEN,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_REDIRECT,
  ICMPV6_TIME_EXCEEDED,
  isIcmpv6Error,
} from '../wire/icmpv6.ts'
import { IPV6_HEADER_LEN, NEXT_HEADER } from '../wire/ipv6-header.ts'
import { isUsable } from './addresses.ts'
import { type Host, MIN_MTU } from './host.ts'
import { sendIcmpv6 } from './output.ts'
import { destinationFor } from './routing.ts'

/** The packet that an error is about, at `buf[start..end)`, and how it came. */
export interface Invoking {
  readonly src: Ipv6
  readonly dst: Ipv6
  readonly buf: Uint8Array
  readonly start: number
  readonly end: number
  /** IP or link-layer multicast. */
  readonly multicast: boolean
}

/** What is to be told. `rest` is a pointer, or 0; `evenMulticast` is the second exception of RFC 4443 §2.4 (e.3). */
export interface IcmpError {
  readonly type: number
  readonly code: number
  readonly rest: number
  readonly evenMulticast: boolean
}

const chain = createHeaderChain()

/** An error message, or a redirect, which errors are never about: RFC 4443 §2.4 (e.1), (e.2). */
function isAboutError({ buf, start, end }: Invoking): boolean {
  startChain(chain, buf, start + NEXT_HEADER, start + IPV6_HEADER_LEN)
  if (!skipHeaders(chain, buf, end)) return false
  if (chain.protocol !== PROTOCOL_ICMPV6 || chain.off >= end) return false
  const type = buf[chain.off]!
  return isIcmpv6Error(type) || type === ICMPV6_REDIRECT
}

/** Why RFC 4443 §2.4 (e) forbids an error about a packet. */
function whyNot(invoking: Invoking, error: IcmpError): string | undefined {
  if (isIpv6Any(invoking.src) || isIpv6Multicast(invoking.src)) return 'bad-source'
  if (invoking.multicast && !error.evenMulticast) return 'multicast'
  return isAboutError(invoking) ? 'error' : undefined
}

/** Tells the source of a packet what is wrong with it, where RFC 4443 §2.4 allows it. */
export function sendIcmpError(host: Host, now: number, invoking: Invoking, error: IcmpError): void {
  const forbidden = whyNot(invoking, error) ?? (host.errors.take(now) ? undefined : 'rate-limit')
  if (forbidden !== undefined) {
    countDrop(host.stats.errorsWithheld, forbidden)
    return
  }
  const src = sourceOfReply(host, now, invoking)
  if (src === undefined) countDrop(host.stats.unsent, 'no-source')
  else sendFrom(host, now, src, invoking, error)
}

function sendFrom(host: Host, now: number, src: Ipv6, invoking: Invoking, error: IcmpError): void {
  const { src: dst, buf, start, end } = invoking
  const quoted = Math.min(end - start, MIN_MTU - IPV6_HEADER_LEN - ICMPV6_HEADER_LEN)
  sendIcmpv6(host, now, { src, dst, hopLimit: host.hopLimit }, ICMPV6_HEADER_LEN + quoted, (b, o) => {
    encodeIcmpv6(b, o, error)
    copyBytes(b, o + ICMPV6_HEADER_LEN, buf, start, start + quoted)
    return o + ICMPV6_HEADER_LEN + quoted
  })
  countDrop(host.stats.errorsSent, nameOf(error))
}

/** RFC 4443 §2.2: the address that the packet was sent to, where it is one of ours or we stand in for it. */
export function sourceOfReply(
  host: Host,
  now: number,
  asked: { readonly src: Ipv6; readonly dst: Ipv6 },
): Ipv6 | undefined {
  const own = host.addresses.get(asked.dst)
  if (own !== undefined && isUsable(own)) return own.address
  if (host.settings.transparent && !isIpv6Multicast(asked.dst)) return asked.dst
  const destination = destinationFor(host, now, asked.src)
  return typeof destination === 'string' ? undefined : destination.source
}

function nameOf({ type }: IcmpError): string {
  switch (type) {
    case ICMPV6_DESTINATION_UNREACHABLE:
      return 'destination-unreachable'
    case ICMPV6_TIME_EXCEEDED:
      return 'time-exceeded'
    case ICMPV6_PARAMETER_PROBLEM:
      return 'parameter-problem'
    default:
      return `type-${type}`
  }
}
