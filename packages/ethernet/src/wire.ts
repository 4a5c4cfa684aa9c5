import { type Mac, readMac, writeMac } from '@fata/addr'
import { putU16, u16 } from '@fata/bytes'
import type { EtherType } from '@fata/link'

/**
 * Ethernet II header: RFC 894, IEEE 802.3-2018 §3.1.1. The frame check sequence is the device's.
 *
 *     0                   6                   12        14
 *     +-------------------+-------------------+---------+-----------
 *     |    destination    |       source      |  type   |  packet ...
 *     +-------------------+-------------------+---------+-----------
 */
const DESTINATION = 0
const SOURCE = 6
const TYPE = 12

/** Bytes in front of the packet. */
export const HEADER_LEN = 14

/** Up to here the field is the length of an 802.3 frame, from 0x0600 on a type; between them it is nothing (RFC 1122 §2.3.3). */
const MAX_LENGTH_FIELD = 1500
const MIN_TYPE = 0x0600

/** Tags of IEEE 802.1Q, and of 802.1ad with its predecessor in the field. */
const TAG_8021Q = 0x8100
const TAG_8021AD = 0x88a8
const TAG_QINQ = 0x9100

/** Why bytes are no frame for a host on an untagged link. */
export type Malformed = 'too-short' | 'group-source' | 'ieee-802.3' | 'undefined-type' | 'vlan-tagged'

/** A validated header. */
export interface EthernetHeader {
  dst: Mac
  src: Mac
  type: EtherType
}

/** A record for reuse. */
export function createHeader(): EthernetHeader {
  return { dst: 0 as Mac, src: 0 as Mac, type: 0 }
}

/** Reads the header at `b[o..end)` into `into` and returns it; the packet begins at `o + HEADER_LEN`. Never throws. */
export function decode(
  b: Uint8Array,
  o: number,
  end: number,
  into: EthernetHeader = createHeader(),
): EthernetHeader | Malformed {
  if (end - o < HEADER_LEN) return 'too-short'
  // A sender is one station; a group as source is what source routing made of this bit.
  if ((b[o + SOURCE]! & 1) !== 0) return 'group-source'
  const type = u16(b, o + TYPE)
  if (type < MIN_TYPE) return type <= MAX_LENGTH_FIELD ? 'ieee-802.3' : 'undefined-type'
  if (type === TAG_8021Q || type === TAG_8021AD || type === TAG_QINQ) return 'vlan-tagged'
  into.dst = readMac(b, o + DESTINATION)
  into.src = readMac(b, o + SOURCE)
  into.type = type
  return into
}

/** Writes the header at `b[o..o + HEADER_LEN)`. */
export function encode(b: Uint8Array, o: number, h: EthernetHeader): void {
  writeMac(b, o + DESTINATION, h.dst)
  writeMac(b, o + SOURCE, h.src)
  putU16(b, o + TYPE, h.type)
}
