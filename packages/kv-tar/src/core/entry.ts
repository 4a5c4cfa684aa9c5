import { Key } from '@fata/kv'
import { cString, fromUtf8, shownText } from '../wire/text.ts'
import type { PaxRecords, TarHeader, TarType } from '../wire.ts'

/** Why an entry of an archive is no value of the store. */
export type SkipReason =
  /** The name begins with a slash. */
  | 'absolute'
  /** The name has a segment `..`. */
  | 'traversal'
  /** The name is not UTF-8, or no key for another reason. */
  | 'name'
  | 'hard-link'
  | 'symbolic-link'
  | 'device'
  | 'fifo'
  | 'sparse'
  /** Of a type that only some programs know. */
  | 'type'
  /** A value lies above it, or values below. */
  | 'conflict'

/** What extended headers say about an entry. */
export interface Extended {
  readonly longName: Uint8Array | undefined
  readonly pax: PaxRecords | undefined
}

/** Of an entry with no extended headers before it. */
export const NOTHING_MORE: Extended = { longName: undefined, pax: undefined }

/** An entry as all its headers together describe it. */
export interface Entry {
  readonly type: TarType
  readonly name: Uint8Array
  readonly size: number
  /** Milliseconds since 1970. */
  readonly lastModified: number
  readonly isSparse: boolean
}

/** What the headers come to, those of the entry before those of all entries; or what is wrong with them. */
export function resolve(header: TarHeader, extended: Extended, globals: PaxRecords): Entry | string {
  const { type } = header
  if (extended === NOTHING_MORE && globals.size === 0) {
    const size = BODILESS.has(type) ? 0 : header.size
    return { type, name: header.name, size, lastModified: header.mtime * 1000, isSparse: type === 'gnu-sparse' }
  }
  const record = (keyword: string): Uint8Array | undefined => {
    const value = extended.pax?.get(keyword) ?? globals.get(keyword)
    return value?.length ? value : undefined
  }
  const sizeRecord = record('size')
  const size = sizeRecord ? decimal(sizeRecord) : header.size
  if (size === undefined) return 'the size in an extended header is no number'
  const timeRecord = record('mtime')
  const lastModified = timeRecord ? milliseconds(timeRecord) : header.mtime * 1000
  if (lastModified === undefined) return 'the time in an extended header is no number'
  const name = record('GNU.sparse.name') ?? record('path') ?? extended.longName ?? header.name
  // A link by pax may carry the bytes; before pax, what stands there as its size is that of the file it leads to.
  const isBare = BODILESS.has(type) && !(type === 'hard-link' && extended.pax)
  return { type, name, size: isBare ? 0 : size, lastModified, isSparse: isSparse(header, extended.pax) }
}

const BODILESS: ReadonlySet<TarType> = new Set([
  'hard-link',
  'symbolic-link',
  'character-device',
  'block-device',
  'directory',
  'fifo',
])

function isSparse({ type }: TarHeader, pax: PaxRecords | undefined): boolean {
  return type === 'gnu-sparse' || (pax !== undefined && [...pax.keys()].some((key) => key.startsWith('GNU.sparse.')))
}

function decimal(bytes: Uint8Array): number | undefined {
  const text = shownText(bytes)
  return /^\d{1,16}$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined
}

/** Of seconds with any number of digits behind the point, rounded down. */
function milliseconds(bytes: Uint8Array): number | undefined {
  const [, sign, seconds, fraction = ''] = /^(-?)(\d{1,12})(?:\.(\d*))?$/.exec(shownText(bytes)) ?? []
  if (seconds === undefined) return undefined
  const whole = Number(seconds) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0'))
  const hasMore = /[1-9]/.test(fraction.slice(3))
  return sign ? -whole - (hasMore ? 1 : 0) : whole
}

/** The key of an entry, or why it can be none. */
export function keyOf(name: Uint8Array): Key | SkipReason {
  const text = fromUtf8(name)
  if (text === undefined) return 'name'
  if (text.startsWith('/')) return 'absolute'
  let segments = text.split('/')
  for (const segment of segments) {
    if (segment === '..') return 'traversal'
    if (segment === '' || segment === '.') segments = segments.filter((one) => one !== '' && one !== '.')
  }
  try {
    return segments.length === 0 ? 'name' : Key.of(...segments)
  } catch {
    return 'name'
  }
}

/** Why nothing of this type is a value; undefined for files, and for what says nothing about the contents. */
export function refusedType({ type, isSparse }: Entry): SkipReason | undefined {
  switch (type) {
    case 'character-device':
    case 'block-device':
      return 'device'
    case 'hard-link':
    case 'symbolic-link':
    case 'fifo':
      return type
    case 'other':
      return 'type'
    default:
      return isSparse ? 'sparse' : undefined
  }
}

/** The name of GNU's entry for a long name: up to its NUL. A copy. */
export function longNameOf(body: Uint8Array): Uint8Array {
  return new Uint8Array(cString(body, 0, body.length))
}
