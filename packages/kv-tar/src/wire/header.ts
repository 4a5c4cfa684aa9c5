import { decodeNumber, encodeNumber } from './number.ts'
import { cString } from './text.ts'

// The header of POSIX.1-1988 (ustar), which v7, GNU and pax share up to the magic; IEEE Std 1003.1, pax, "ustar Interchange Format".
// Differs from it: names may be any bytes; base-256 numbers; a checksum over signed bytes, as old Unix computed it, is good too.

export const BLOCK = 512

const NAME = 0
const NAME_LENGTH = 100
const MODE = 100
const UID = 108
const GID = 116
const SIZE = 124
const MTIME = 136
const CHECKSUM = 148
const TYPE = 156
const MAGIC = 257
const MAJOR = 329
const MINOR = 337
const PREFIX = 345
const PREFIX_LENGTH = 155
const SHORT_NUMBER = 8
const LONG_NUMBER = 12

const SPACE = 0x20
const SLASH = 0x2f

/** The flavours by their magic: GNU has other things where POSIX has the prefix of the name. */
const USTAR = 'ustar\0'
const GNU = 'ustar '

const TYPES = {
  '\0': 'file',
  '0': 'file',
  '1': 'hard-link',
  '2': 'symbolic-link',
  '3': 'character-device',
  '4': 'block-device',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  L: 'gnu-long-name',
  K: 'gnu-long-link',
  S: 'gnu-sparse',
  V: 'gnu-label',
  x: 'pax',
  g: 'pax-global',
} as const

/** `other` is what POSIX leaves to vendors. */
export type TarType = (typeof TYPES)[keyof typeof TYPES] | 'other'

export interface TarHeader {
  /** The bytes of the name, with the prefix and a slash before them where there is one. */
  readonly name: Uint8Array
  readonly type: TarType
  /** As it is written; not of every type that many bytes follow. */
  readonly size: number
  /** Seconds since 1970. */
  readonly mtime: number
}

export type Malformed = 'truncated' | 'bad-checksum' | 'bad-size' | 'bad-mtime'

/** Reads the header at `b[o..o+512)`. `name` may be a view of `b`. */
export function decode(b: Uint8Array, o: number, end: number): TarHeader | Malformed {
  if (end - o < BLOCK) return 'truncated'
  const sum = decodeNumber(b, o + CHECKSUM, SHORT_NUMBER)
  if (sum !== unsignedSum(b, o) && sum !== signedSum(b, o)) return 'bad-checksum'
  const size = decodeNumber(b, o + SIZE, LONG_NUMBER)
  if (size === undefined || size < 0) return 'bad-size'
  const mtime = decodeNumber(b, o + MTIME, LONG_NUMBER)
  if (mtime === undefined) return 'bad-mtime'
  const name = nameAt(b, o)
  const type = TYPES[String.fromCharCode(b[o + TYPE]!) as keyof typeof TYPES] ?? 'other'
  // Before POSIX there was no type for a directory.
  const isOldDirectory = type === 'file' && name.at(-1) === SLASH
  return { name, type: isOldDirectory ? 'directory' : type, size, mtime }
}

function nameAt(b: Uint8Array, o: number): Uint8Array {
  const name = cString(b, o + NAME, NAME_LENGTH)
  if (b[o + PREFIX] === 0 || !hasMagic(b, o, USTAR)) return name
  const prefix = cString(b, o + PREFIX, PREFIX_LENGTH)
  const whole = new Uint8Array(prefix.length + 1 + name.length)
  whole.set(prefix)
  whole[prefix.length] = SLASH
  whole.set(name, prefix.length + 1)
  return whole
}

function hasMagic(b: Uint8Array, o: number, magic: string): boolean {
  for (let i = 0; i < magic.length; i++) if (b[o + MAGIC + i] !== magic.charCodeAt(i)) return false
  return true
}

/** Whether the header at `o` is GNU's, where the map of a sparse file goes on in more blocks when the byte at 482 is not 0. */
export function isGnu(b: Uint8Array, o: number): boolean {
  return hasMagic(b, o, GNU)
}

/** Of all bytes, those of the checksum counted as spaces. */
function unsignedSum(b: Uint8Array, o: number): number {
  let sum = sumOf(b, o)
  for (let at = o + CHECKSUM; at < o + TYPE; at++) sum += SPACE - b[at]!
  return sum
}

/** Of 512 bytes. A word holds two of four sums, of 16 bits each, which 128 bytes cannot overflow: twice as fast as bytes. */
function sumOf(b: Uint8Array, o: number): number {
  const start = b.byteOffset + o
  let even = 0
  let odd = 0
  if (start % 4 === 0) {
    const words = new Uint32Array(b.buffer, start, BLOCK / 4)
    for (let i = 0; i < BLOCK / 4; i++) {
      const word = words[i]!
      even = (even + (word & 0x00ff00ff)) | 0
      odd = (odd + ((word >>> 8) & 0x00ff00ff)) | 0
    }
    return (even & 0xffff) + (even >>> 16) + (odd & 0xffff) + (odd >>> 16)
  }
  for (let at = o; at < o + BLOCK; at++) even += b[at]!
  return even
}

function signedSum(b: Uint8Array, o: number): number {
  let sum = unsignedSum(b, o)
  for (let at = o; at < o + BLOCK; at++) if (b[at]! > 127 && (at < o + CHECKSUM || at >= o + TYPE)) sum -= 256
  return sum
}

/**
 * Writes the header at `b[o..o+512)`: POSIX's, with mode 0644 and owned by nobody in particular. `name` is split as `splitName`
 * says; the name of an extended header, which is nobody's, is cut where it does not fit.
 */
export function encode(b: Uint8Array, o: number, { name, type, size, mtime }: TarHeader): void {
  b.fill(0, o, o + BLOCK)
  const at = splitName(name) ?? 0
  if (at > 0) b.set(name.subarray(0, at), o + PREFIX)
  b.set(name.subarray(at > 0 ? at + 1 : 0).subarray(0, NAME_LENGTH), o + NAME)
  encodeNumber(b, o + MODE, SHORT_NUMBER, 0o644)
  encodeNumber(b, o + UID, SHORT_NUMBER, 0)
  encodeNumber(b, o + GID, SHORT_NUMBER, 0)
  encodeNumber(b, o + SIZE, LONG_NUMBER, size)
  encodeNumber(b, o + MTIME, LONG_NUMBER, mtime)
  b[o + TYPE] = letterOf(type)
  for (let i = 0; i < USTAR.length; i++) b[o + MAGIC + i] = USTAR.charCodeAt(i)
  b.fill(0x30, o + MAGIC + USTAR.length, o + MAGIC + USTAR.length + 2)
  encodeNumber(b, o + MAJOR, SHORT_NUMBER, 0)
  encodeNumber(b, o + MINOR, SHORT_NUMBER, 0)
  encodeNumber(b, o + CHECKSUM, SHORT_NUMBER - 1, unsignedSum(b, o))
  b[o + CHECKSUM + SHORT_NUMBER - 1] = SPACE
}

function letterOf(type: TarType): number {
  for (const [letter, named] of Object.entries(TYPES))
    if (named === type && letter !== '\0') return letter.charCodeAt(0)
  throw new TypeError(`no letter for ${type}`)
}

/** Where the name is cut: the index of the slash between prefix and name, 0 for a name that fits whole; undefined: it does not fit. */
export function splitName(name: Uint8Array): number | undefined {
  if (name.length <= NAME_LENGTH) return 0
  for (let at = Math.min(PREFIX_LENGTH, name.length - 2); at > 0 && name.length - at - 1 <= NAME_LENGTH; at--) {
    if (name[at] === SLASH) return at
  }
  return undefined
}

/** Whether `b[o..o+512)` is all zero, as the two blocks at the end of an archive are. */
export function isZeroBlock(b: Uint8Array, o: number): boolean {
  for (let at = o; at < o + BLOCK; at++) if (b[at] !== 0) return false
  return true
}

/** `n` rounded up to whole blocks. */
export function padded(n: number): number {
  return Math.ceil(n / BLOCK) * BLOCK
}
