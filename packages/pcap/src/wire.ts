// The numbers of pcapng (draft-ietf-opsawg-pcapng) and pcap (draft-ietf-opsawg-pcap).

export const BLOCK_SECTION = 0x0a0d0d0a
export const BLOCK_INTERFACE = 1
export const BLOCK_PACKET_OBSOLETE = 2
export const BLOCK_SIMPLE_PACKET = 3
export const BLOCK_STATISTICS = 5
export const BLOCK_PACKET = 6

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d

export const OPT_END = 0
export const OPT_COMMENT = 1
export const SHB_APPLICATION = 4
export const IF_NAME = 2
export const IF_DESCRIPTION = 3
export const IF_MAC = 6
export const IF_TSRESOL = 9
export const IF_TSOFFSET = 14
export const EPB_FLAGS = 2
export const ISB_START = 2
export const ISB_END = 3
export const ISB_RECEIVED = 4
export const ISB_DROPPED = 5

/** Bits 0 and 1 of `EPB_FLAGS`. */
export const FLAG_INBOUND = 1
export const FLAG_OUTBOUND = 2

/** Link types of IANA's PCAP registry. */
export const LINKTYPE_ETHERNET = 1
/** Bare IPv4 and IPv6 packets. */
export const LINKTYPE_RAW = 101

/** Time stamps count nanoseconds: 10^-9. */
export const TSRESOL_NS = 9

const TWO_32 = 0x1_0000_0000

/** Writes `v` at `b[o..o+2)`, little-endian. */
export function putLe16(b: Uint8Array, o: number, v: number): void {
  b[o] = v
  b[o + 1] = v >>> 8
}

/** Writes `v` at `b[o..o+4)`, little-endian. */
export function putLe32(b: Uint8Array, o: number, v: number): void {
  b[o] = v
  b[o + 1] = v >>> 8
  b[o + 2] = v >>> 16
  b[o + 3] = v >>> 24
}

/** Writes an integer of up to 53 bits at `b[o..o+8)`, little-endian. */
export function putLe64(b: Uint8Array, o: number, v: number): void {
  putLe32(b, o, v % TWO_32)
  putLe32(b, o + 4, v / TWO_32)
}

/** `n` rounded up to whole words of 32 bits. */
export function padded(n: number): number {
  return (n + 3) & ~3
}
