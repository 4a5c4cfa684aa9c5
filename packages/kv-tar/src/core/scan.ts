import { type Key, KvError } from '@fata/kv'
import { TarCorruptError } from '../errors.ts'
import { isGnu } from '../wire/header.ts'
import { shownText } from '../wire/text.ts'
import {
  BLOCK,
  decode,
  decodePax,
  isZeroBlock,
  type Malformed,
  type PaxRecords,
  padded,
  type TarHeader,
} from '../wire.ts'
import {
  type Entry,
  type Extended,
  keyOf,
  longNameOf,
  NOTHING_MORE,
  refusedType,
  resolve,
  type SkipReason,
} from './entry.ts'
import { type Scan, Window } from './window.ts'

/** Where the bytes of a value are. */
export interface Place {
  readonly offset: number
  readonly size: number
  /** Milliseconds since 1970. */
  readonly lastModified: number
}

/** An entry that is no value of the store. */
export interface SkippedEntry {
  /** As the archive has it; what is not UTF-8 in it is replaced. */
  readonly name: string
  readonly reason: SkipReason
  /** Of its header, bytes from the beginning of the archive. */
  readonly offset: number
}

export interface ScanSink {
  /** An entry that holds a value; false: it cannot be where other values are. */
  put(key: Key, place: Place): boolean
  skip(entry: SkippedEntry): void
}

const MALFORMED: Readonly<Record<Malformed, string>> = {
  truncated: 'the archive ends within a header',
  'bad-checksum': 'not the header of an entry, its checksum is wrong',
  'bad-size': 'the size of an entry is no number',
  'bad-mtime': 'the time of an entry is no number',
}

/** Archives are often compressed: what such files begin with. */
const COMPRESSED: ReadonlyArray<readonly [string, readonly number[]]> = [
  ['gzip', [0x1f, 0x8b]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]

/** Where in GNU's header of a sparse file, and in the blocks that go on with its map, it stands that another one follows. */
const SPARSE_MORE = 482
const SPARSE_MORE_AGAIN = 504

/**
 * Reads the headers of an archive, as far as its end: where that is, the offset of the first zero block, or of the end of the
 * file where there is none. `maxHeaderBytes`: of one extended header. Throws TarCorruptError, KvError KV_TOO_LARGE.
 */
export function* scan(sink: ScanSink, maxHeaderBytes: number): Scan<number> {
  const window = new Window()
  const globals = new Map<string, Uint8Array>()
  let extended = NOTHING_MORE
  let last = { at: 0, bodyEnd: 0 }
  for (let at = 0; ; ) {
    // Most are there: a generator of its own for each would take longer than the header itself.
    const got = window.has(at, BLOCK) ? BLOCK : yield* window.fill(at, BLOCK)
    const header = headerAt(window, at, got)
    if (!header) {
      yield* refuseCut(window, at, last)
      if (extended.pax || extended.longName)
        throw new TarCorruptError(last.at, 'an entry is missing after its extended header')
      return at
    }
    let body = at + BLOCK
    if (header.type === 'gnu-sparse') body = yield* skipSparseMap(window, at)
    if (isExtended(header)) {
      if (header.size > maxHeaderBytes) throw tooLong(at, maxHeaderBytes)
      if ((yield* window.fill(body, header.size)) < header.size) throw cut(at)
      const index = window.index(body)
      extended = extend(header, window.bytes.slice(index, index + header.size), at, extended, globals)
      last = { at, bodyEnd: body + header.size }
    } else {
      const entry = resolve(header, extended, globals)
      if (typeof entry === 'string') throw new TarCorruptError(at, entry)
      deliver(entry, at, body, sink)
      extended = NOTHING_MORE
      last = { at, bodyEnd: body + entry.size }
    }
    at = body + padded(last.bodyEnd - body)
    if (!Number.isSafeInteger(at)) throw new TarCorruptError(body, 'an entry is too large to be true')
  }
}

/** undefined at the end. `got`: how many bytes there are of it. */
function headerAt(window: Window, at: number, got: number): TarHeader | undefined {
  if (got === 0) return undefined
  const o = window.index(at)
  if (got === BLOCK && isZeroBlock(window.bytes, o)) return undefined
  const header = decode(window.bytes, o, o + got)
  if (typeof header !== 'string') return header
  const compressed = at === 0 && COMPRESSED.find(([, magic]) => magic.every((byte, i) => window.bytes[i] === byte))
  throw new TarCorruptError(at, compressed ? `compressed by ${compressed[0]}; decompress it first` : MALFORMED[header])
}

/** Throws when the archive ends before the body that should have ended at `bodyEnd`; `next`: where it goes on behind it. */
function* refuseCut(window: Window, next: number, { at, bodyEnd }: { at: number; bodyEnd: number }): Scan<void> {
  if (bodyEnd === 0 || window.index(next) < window.bytes.length) return
  if ((yield* window.fill(bodyEnd - 1, 1)) < 1) throw cut(at)
}

function* skipSparseMap(window: Window, at: number): Scan<number> {
  const o = window.index(at)
  let isMore = isGnu(window.bytes, o) && window.bytes[o + SPARSE_MORE] !== 0
  let body = at + BLOCK
  for (; isMore; body += BLOCK) {
    if ((yield* window.fill(body, BLOCK)) < BLOCK) throw cut(at)
    isMore = window.bytes[window.index(body) + SPARSE_MORE_AGAIN] !== 0
  }
  return body
}

function isExtended({ type }: TarHeader): boolean {
  return type === 'gnu-long-name' || type === 'gnu-long-link' || type === 'pax' || type === 'pax-global'
}

function extend(
  { type }: TarHeader,
  body: Uint8Array,
  at: number,
  before: Extended,
  globals: Map<string, Uint8Array>,
): Extended {
  // Nothing is asked of the targets of links.
  if (type === 'gnu-long-link') return before
  if (type === 'gnu-long-name') return { ...before, longName: longNameOf(body) }
  const records: PaxRecords | 'bad-pax' = decodePax(body, 0, body.length)
  if (records === 'bad-pax') throw new TarCorruptError(at, 'an extended header is malformed')
  if (type === 'pax') return { ...before, pax: records }
  for (const [keyword, value] of records) globals.set(keyword, value)
  return before
}

function deliver(entry: Entry, at: number, offset: number, sink: ScanSink): void {
  if (entry.type === 'directory' || entry.type === 'gnu-label') return
  const key = refusedType(entry) ?? keyOf(entry.name)
  const { size, lastModified } = entry
  const reason = typeof key === 'string' ? key : sink.put(key, { offset, size, lastModified }) ? undefined : 'conflict'
  if (reason) sink.skip({ name: shownText(entry.name), reason, offset: at })
}

function cut(at: number): TarCorruptError {
  return new TarCorruptError(at, 'the archive ends within an entry')
}

function tooLong(at: number, limit: number): KvError {
  return new KvError('KV_TOO_LARGE', { message: `an extended header is too long, at byte ${at}`, limit })
}
