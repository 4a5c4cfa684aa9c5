const SPACE = 0x20
const ZERO = 0x30
const SEVEN = 0x37
/** The first byte of base-256: positive, negative. */
const POSITIVE = 0x80
const NEGATIVE = 0xff

/**
 * The number in the field `b[o..o+length)`: octal digits between spaces and NULs (POSIX), or two's complement (GNU's base-256,
 * first bit set). A field without digits is 0. undefined for what is neither, or not a safe integer.
 */
export function decodeNumber(b: Uint8Array, o: number, length: number): number | undefined {
  return b[o]! & 0x80 ? decodeBinary(b, o, length) : decodeOctal(b, o, length)
}

function decodeOctal(b: Uint8Array, o: number, length: number): number | undefined {
  const end = o + length
  let at = o
  while (at < end && (b[at] === SPACE || b[at] === 0)) at++
  let value = 0
  for (; at < end && b[at]! >= ZERO && b[at]! <= SEVEN; at++) value = value * 8 + (b[at]! - ZERO)
  if (at < end && b[at] !== SPACE && b[at] !== 0) return undefined
  return Number.isSafeInteger(value) ? value : undefined
}

function decodeBinary(b: Uint8Array, o: number, length: number): number | undefined {
  const first = b[o]!
  if (first !== POSITIVE && first !== NEGATIVE) return undefined
  let value = first === NEGATIVE ? -1 : 0
  for (let at = o + 1; at < o + length; at++) {
    value = value * 256 + b[at]!
    if (!Number.isSafeInteger(value)) return undefined
  }
  return value
}

/** Writes the integer as octal digits and a NUL, or as base-256 where it has too many digits or a sign. */
export function encodeNumber(b: Uint8Array, o: number, length: number, value: number): void {
  const digits = value >= 0 ? value.toString(8) : ''
  if (value < 0 || digits.length > length - 1) encodeBinary(b, o, length, value)
  else encodeOctal(b, o, length, digits)
}

function encodeOctal(b: Uint8Array, o: number, length: number, digits: string): void {
  let at = o
  for (let i = length - 1 - digits.length; i > 0; i--) b[at++] = ZERO
  for (let i = 0; i < digits.length; i++) b[at++] = digits.charCodeAt(i)
  b[at] = 0
}

function encodeBinary(b: Uint8Array, o: number, length: number, value: number): void {
  let rest = value
  for (let at = o + length - 1; at > o; at--) {
    b[at] = rest - Math.floor(rest / 256) * 256
    rest = Math.floor(rest / 256)
  }
  b[o] = value < 0 ? NEGATIVE : POSITIVE
}
