import { Key, KvError } from '@fata/kv'
import { fromBase64, toBase64 } from './base64.ts'

/**
 * How the store lies in etcd. A value's key is `<prefix>/v/` and the segments joined by NUL, so that etcd's byte order is
 * Key order and everything below a dictionary is one range: `key NUL` up to `key 0x01`. A value is a record:
 *
 *     0        1                 9
 *     +--------+-----------------+------------- - -
 *     | 1      | ms, float64 BE  | the bytes
 *     +--------+-----------------+------------- - -
 */
const VERSION = 1
const TIME = 1
const HEADER_LEN = 9

/** In base64, as the gateway takes them; without an end one key. */
export interface Range {
  readonly key: string
  readonly range_end?: string
}

/** The keys of one store. */
export class KeySpace {
  readonly #base: Uint8Array
  readonly #encoder = new TextEncoder()
  readonly #decoder = new TextDecoder('utf-8', { fatal: true })

  constructor(prefix: string) {
    this.#base = this.#encoder.encode(`${prefix}/v/`)
  }

  one(key: Key): Range {
    return { key: toBase64(this.#bytes(key)) }
  }

  /** What lies below the key, from behind the name `after` on. */
  below(key: Key, after?: string): Range {
    const start = isRoot(key) ? this.#base : this.#bytes(key, 0)
    // Behind a name and everything below it.
    const from = after === undefined ? start : join(start, this.#encoder.encode(after), 1)
    return { key: toBase64(from), range_end: toBase64(this.#end(key)) }
  }

  /** The key and what lies below it. */
  tree(key: Key): Range {
    return isRoot(key) ? this.below(key) : { key: toBase64(this.#bytes(key)), range_end: toBase64(this.#end(key)) }
  }

  /** The range from behind one of its keys on. */
  behind(encoded: string, range: Range): Range {
    return { ...range, key: toBase64(join(fromBase64(encoded), new Uint8Array(1))) }
  }

  /** Undefined for what no store wrote. */
  decode(base64: string): Key | undefined {
    try {
      const text = this.#decoder.decode(fromBase64(base64).subarray(this.#base.length))
      return Key.of(...text.split('\0'))
    } catch {
      return undefined
    }
  }

  #bytes(key: Key, ...end: number[]): Uint8Array {
    return join(this.#base, this.#encoder.encode(key.segments.join('\0')), ...end)
  }

  #end(key: Key): Uint8Array {
    if (!isRoot(key)) return this.#bytes(key, 1)
    const end = this.#base.slice()
    end[end.length - 1]! += 1
    return end
  }
}

export function isRoot(key: Key): boolean {
  return key.segments.length === 0
}

function join(a: Uint8Array, b: Uint8Array, ...end: number[]): Uint8Array {
  const joined = new Uint8Array(a.length + b.length + end.length)
  joined.set(a)
  joined.set(b, a.length)
  joined.set(end, a.length + b.length)
  return joined
}

export interface ValueRecord {
  readonly lastModified: number
  readonly value: Uint8Array
}

export function encodeRecord({ lastModified, value }: ValueRecord): string {
  const bytes = new Uint8Array(HEADER_LEN + value.length)
  bytes[0] = VERSION
  new DataView(bytes.buffer).setFloat64(TIME, lastModified)
  bytes.set(value, HEADER_LEN)
  return toBase64(bytes)
}

/** Throws KvError KV_CORRUPT. */
export function decodeRecord(base64: string | undefined, key: Key): ValueRecord {
  const bytes = fromBase64(base64 ?? '')
  if (bytes.length < HEADER_LEN || bytes[0] !== VERSION) {
    throw new KvError('KV_CORRUPT', { key, message: 'etcd holds a value that no store wrote' })
  }
  const lastModified = new DataView(bytes.buffer).getFloat64(TIME)
  return { lastModified, value: bytes.slice(HEADER_LEN) }
}
