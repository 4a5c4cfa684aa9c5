import { putU16, putU32, u16, u32 } from '@fata/bytes'

// Next Header values, IANA's protocol registry.
export const HOP_BY_HOP = 0
export const ROUTING = 43
export const FRAGMENT = 44
export const ESP = 50
export const AUTHENTICATION = 51
export const NO_NEXT_HEADER = 59
export const DESTINATION_OPTIONS = 60
export const MOBILITY = 135
export const HIP = 139
export const SHIM6 = 140

// Types of options in hop-by-hop and destination options headers.
export const OPTION_PAD1 = 0
export const OPTION_PADN = 1
export const OPTION_ROUTER_ALERT = 5

/** Bytes of a Fragment header. */
export const FRAGMENT_HEADER_LEN = 8

/** Where the offset field stands in a Fragment header. */
export const FRAGMENT_OFFSET_FIELD = 2

/** Bytes of the hop-by-hop header that `encodeRouterAlert` writes. */
export const ROUTER_ALERT_LEN = 8

/** Fragment header, RFC 8200 §4.5. */
export interface FragmentHeader {
  nextHeader: number
  /** Where the bytes behind it belong in the fragmentable part; a multiple of 8. */
  offset: number
  /** Others follow. */
  more: boolean
  id: number
}

/** Reads the Fragment header at `b[o..end)`. */
export function decodeFragmentHeader(b: Uint8Array, o: number, end: number): FragmentHeader | 'truncated' {
  if (end - o < FRAGMENT_HEADER_LEN) return 'truncated'
  const field = u16(b, o + FRAGMENT_OFFSET_FIELD)
  return { nextHeader: b[o]!, offset: field & 0xfff8, more: (field & 1) !== 0, id: u32(b, o + 4) }
}

/** Writes a Fragment header at `b[o..o + 8)`. */
export function encodeFragmentHeader(b: Uint8Array, o: number, h: FragmentHeader): void {
  b[o] = h.nextHeader
  b[o + 1] = 0
  putU16(b, o + FRAGMENT_OFFSET_FIELD, h.offset | (h.more ? 1 : 0))
  putU32(b, o + 4, h.id)
}

/** Bytes of the extension header at `b[o..end)` that `protocol` names; undefined where it does not fit. */
export function extensionLength(b: Uint8Array, o: number, end: number, protocol: number): number | undefined {
  if (end - o < 8) return undefined
  const length =
    protocol === FRAGMENT
      ? FRAGMENT_HEADER_LEN
      : protocol === AUTHENTICATION
        ? (b[o + 1]! + 2) * 4 // RFC 4302 §2.2 counts otherwise than the rest.
        : (b[o + 1]! + 1) * 8
  return length > end - o ? undefined : length
}

/** Writes a hop-by-hop header with the router alert of MLD (RFC 2711, RFC 3810 §5) at `b[o..o + 8)`. */
export function encodeRouterAlert(b: Uint8Array, o: number, nextHeader: number): void {
  b[o] = nextHeader
  b[o + 1] = 0
  b[o + 2] = OPTION_ROUTER_ALERT
  b[o + 3] = 2
  putU16(b, o + 4, 0)
  b[o + 6] = OPTION_PADN
  b[o + 7] = 0
}
