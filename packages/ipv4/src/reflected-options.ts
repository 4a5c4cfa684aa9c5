import type { Ipv4 } from '@fata/addr'
import { putU32, u32 } from '@fata/bytes'

/** RFC 791 §3.1 */
const END_OF_LIST = 0
const NO_OPERATION = 1
const RECORD_ROUTE = 7
const TIMESTAMP = 68
const ADDRESS_LEN = 4
/** Flags of a timestamp option: what an entry holds. */
const TIME_ALONE = 0
const ADDRESS_AND_TIME = 1
const FOR_NAMED_ADDRESSES = 3
/** Says that a time does not count from midnight UT. */
const NOT_STANDARD = 0x8000_0000

/**
 * What of the options `b[off..end)` of an echo request its reply has: record route and timestamp, each with an entry of this host where
 * there is room (RFC 1122 §3.2.2.6). `now` counts milliseconds from anywhere. The list has no option of impossible length.
 */
export function reflectedOptions(b: Uint8Array, off: number, end: number, own: Ipv4, now: number): Uint8Array {
  const kept: number[] = []
  for (let i = off; i < end && b[i] !== END_OF_LIST; i += b[i] === NO_OPERATION ? 1 : b[i + 1]!) {
    if (b[i] !== RECORD_ROUTE && b[i] !== TIMESTAMP) continue
    const option = b.slice(i, i + b[i + 1]!)
    if (b[i] === RECORD_ROUTE) record(option, own)
    else stamp(option, own, now)
    kept.push(...option)
  }
  return Uint8Array.from(kept)
}

/** The pointer counts from 1 and names the next free place. */
function record(option: Uint8Array, own: Ipv4): void {
  const at = (option[2] ?? 0) - 1
  if (at < 3 || at + ADDRESS_LEN > option.length) return
  putU32(option, at, own)
  option[2]! += ADDRESS_LEN
}

function stamp(option: Uint8Array, own: Ipv4, now: number): void {
  const at = (option[2] ?? 0) - 1
  const flag = (option[3] ?? 0) & 15
  const length = flag === TIME_ALONE ? 4 : 8
  const isKnown = flag <= ADDRESS_AND_TIME || flag === FOR_NAMED_ADDRESSES
  if (at < 4 || option.length < 4 || !isKnown) return
  if (at + length > option.length) {
    // Counts a host that found no room, in four bits.
    if (option[3]! < 0xf0) option[3]! += 0x10
    return
  }
  if (flag === FOR_NAMED_ADDRESSES && u32(option, at) !== own) return
  if (flag !== TIME_ALONE) putU32(option, at, own)
  putU32(option, at + length - 4, NOT_STANDARD + (Math.trunc(now) & 0x7fff_ffff))
  option[2]! += length
}
