const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1

// What goes to and comes from the kernel of the same machine is in its byte order.

/** 16-bit value at `b[o..o+2)`. */
export function hostU16(b: Uint8Array, o: number): number {
  return littleEndian ? b[o]! | (b[o + 1]! << 8) : (b[o]! << 8) | b[o + 1]!
}

/** Writes 16 bits at `b[o..o+2)`. */
export function putHostU16(b: Uint8Array, o: number, v: number): void {
  b[littleEndian ? o : o + 1] = v
  b[littleEndian ? o + 1 : o] = v >>> 8
}

/** 32-bit value at `b[o..o+4)`. */
export function hostU32(b: Uint8Array, o: number): number {
  return littleEndian
    ? (hostU16(b, o) | (hostU16(b, o + 2) << 16)) >>> 0
    : ((hostU16(b, o) << 16) | hostU16(b, o + 2)) >>> 0
}

/** Writes 32 bits at `b[o..o+4)`. */
export function putHostU32(b: Uint8Array, o: number, v: number): void {
  putHostU16(b, littleEndian ? o : o + 2, v)
  putHostU16(b, littleEndian ? o + 2 : o, v >>> 16)
}
