import { PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from '@fata/ip'
import {
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  decodeFragmentHeader,
  extensionLength,
  FRAGMENT,
  HIP,
  HOP_BY_HOP,
  MOBILITY,
  NO_NEXT_HEADER,
  OPTION_PAD1,
  OPTION_PADN,
  OPTION_ROUTER_ALERT,
  ROUTING,
  SHIM6,
} from './extension-headers.ts'
import {
  PARAMETER_ERRONEOUS_FIELD,
  PARAMETER_UNRECOGNIZED_NEXT_HEADER,
  PARAMETER_UNRECOGNIZED_OPTION,
} from './icmpv6.ts'

/** How much a packet may ask of a host before it is dropped unanswered: RFC 8504 §5.3. */
export interface HeaderLimits {
  /** Extension headers of one packet. */
  readonly maxHeaders: number
  /** Options of one header that are not padding. */
  readonly maxOptions: number
  /** Bytes of padding in a row. */
  readonly maxPadding: number
}

/** Why the headers of a packet keep it from being delivered. */
export type ChainRefusal =
  | 'truncated-header'
  | 'too-many-headers'
  | 'too-many-options'
  | 'excessive-padding'
  | 'bad-option-length'
  | 'unknown-option'
  | 'unknown-routing-type'
  | 'misplaced-hop-by-hop'

/** Where a walk along the headers has got to. One record is made once and reused. */
export interface HeaderChain {
  /** What stands at `off`: an upper-layer protocol, or FRAGMENT, where a walk stops. */
  protocol: number
  off: number
  /** Where the Next Header field stands that names `protocol`. */
  namedAt: number
  /** A hop-by-hop header carries the router alert option. */
  routerAlert: boolean
  /** After a refusal: the code of the parameter problem that the source is to be told; -1 for none. */
  code: number
  /** What it points at: a position in the buffer, not yet an offset in the packet. */
  pointer: number
  /** It is sent about multicast packets as well. */
  evenMulticast: boolean
}

/** A record for reuse. */
export function createHeaderChain(): HeaderChain {
  return { protocol: 0, off: 0, namedAt: 0, routerAlert: false, code: -1, pointer: 0, evenMulticast: false }
}

/** Begins a walk at the header at `off`, which the field at `namedAt` names. */
export function startChain(chain: HeaderChain, b: Uint8Array, namedAt: number, off: number): void {
  chain.protocol = b[namedAt]!
  chain.off = off
  chain.namedAt = namedAt
  chain.routerAlert = false
  chain.code = -1
  chain.pointer = 0
  chain.evenMulticast = false
}

/**
 * Processes extension headers in the order in which they stand (RFC 8200 §4), up to the upper-layer header or a Fragment header,
 * and says why it cannot go on; `chain` then tells which ICMP error is due. `first` is where a hop-by-hop header may stand, -1 for
 * nowhere. Allocates nothing.
 */
export function walkHeaders(
  chain: HeaderChain,
  b: Uint8Array,
  end: number,
  first: number,
  limits: HeaderLimits,
): ChainRefusal | undefined {
  for (let count = 0; ; count++) {
    const { protocol, off } = chain
    if (protocol !== HOP_BY_HOP && protocol !== DESTINATION_OPTIONS && protocol !== ROUTING) return undefined
    if (count === limits.maxHeaders) return 'too-many-headers'
    if (protocol === HOP_BY_HOP && off !== first) {
      return refuse(chain, 'misplaced-hop-by-hop', PARAMETER_UNRECOGNIZED_NEXT_HEADER, chain.namedAt)
    }
    const length = extensionLength(b, off, end, protocol)
    if (length === undefined) return 'truncated-header'
    const refusal =
      protocol === ROUTING ? checkRouting(chain, b, off) : walkOptions(chain, b, off + 2, off + length, limits)
    if (refusal !== undefined) return refusal
    chain.protocol = b[off]!
    chain.namedAt = off
    chain.off = off + length
  }
}

function refuse(chain: HeaderChain, reason: ChainRefusal, code: number, pointer: number): ChainRefusal {
  chain.code = code
  chain.pointer = pointer
  return reason
}

/** RFC 8200 §4.4. No type is recognized: type 0 must not be (RFC 5095 §3), the others are for routers, mobile nodes or segments. */
function checkRouting(chain: HeaderChain, b: Uint8Array, off: number): ChainRefusal | undefined {
  const segmentsLeft = b[off + 3]!
  if (segmentsLeft === 0) return undefined
  return refuse(chain, 'unknown-routing-type', PARAMETER_ERRONEOUS_FIELD, off + 2)
}

/** Options of a hop-by-hop or destination options header, RFC 8200 §4.2. */
function walkOptions(
  chain: HeaderChain,
  b: Uint8Array,
  off: number,
  end: number,
  limits: HeaderLimits,
): ChainRefusal | undefined {
  let padding = 0
  let options = 0
  for (let o = off; o < end; ) {
    const type = b[o]!
    const length = type === OPTION_PAD1 ? 1 : o + 1 < end ? b[o + 1]! + 2 : end
    if (length > end - o) return refuse(chain, 'bad-option-length', PARAMETER_ERRONEOUS_FIELD, o + 1)
    if (type === OPTION_PAD1 || type === OPTION_PADN) {
      padding += length
      if (padding > limits.maxPadding) return 'excessive-padding'
    } else {
      padding = 0
      if (++options > limits.maxOptions) return 'too-many-options'
      const refusal = takeOption(chain, b, o, type)
      if (refusal !== undefined) return refusal
    }
    o += length
  }
  return undefined
}

/** The two high bits of an option that nobody knows say what is to be done with the packet. */
function takeOption(chain: HeaderChain, b: Uint8Array, o: number, type: number): ChainRefusal | undefined {
  if (type === OPTION_ROUTER_ALERT && chain.protocol === HOP_BY_HOP && b[o + 1] === 2) {
    chain.routerAlert = true
    return undefined
  }
  const action = type >>> 6
  if (action === 0) return undefined
  if (action === 1) return 'unknown-option'
  chain.evenMulticast = action === 2
  return refuse(chain, 'unknown-option', PARAMETER_UNRECOGNIZED_OPTION, o)
}

/**
 * Goes to the upper-layer header without interpreting what is passed: for packets quoted in ICMP errors, and for the check of first
 * fragments. False where the bytes end before, or where a later fragment has none. ESP ends a chain (RFC 7112 §3).
 */
export function skipHeaders(chain: HeaderChain, b: Uint8Array, end: number): boolean {
  for (;;) {
    const { protocol, off } = chain
    if (!isExtension(protocol)) return true
    const length = extensionLength(b, off, end, protocol)
    if (length === undefined) return false
    if (protocol === FRAGMENT) {
      const fragment = decodeFragmentHeader(b, off, end)
      if (typeof fragment === 'string' || fragment.offset !== 0) return false
    }
    chain.protocol = b[off]!
    chain.namedAt = off
    chain.off = off + length
  }
}

function isExtension(protocol: number): boolean {
  switch (protocol) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HIP:
    case SHIM6:
      return true
    default:
      return false
  }
}

/** A first fragment holds every header up to and including the upper-layer one, RFC 7112 §5. */
export function holdsUpperLayerHeader(chain: HeaderChain, b: Uint8Array, end: number): boolean {
  if (!skipHeaders(chain, b, end)) return false
  const { protocol, off } = chain
  const least =
    protocol === PROTOCOL_TCP
      ? 20
      : protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMPV6
        ? 8
        : protocol === NO_NEXT_HEADER
          ? 0
          : 1
  return end - off >= least
}
