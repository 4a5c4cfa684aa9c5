import { createHash } from 'node:crypto'
import { equalBytes, Key } from '@fata/kv'

/**
 * The journal of one batch: what it comes to, with the values.
 *
 *     magic (8) | sha-256 of the rest (32) | removes (4) | sets (4) | entries
 *     remove: key length (2), key
 *     set:    key length (2), key, lastModified (8, double), value length (8, double), value
 *
 * Numbers are big-endian, keys UTF-8 with a leading slash. Removes come first.
 */
export interface JournalRecord {
  readonly removes: readonly Key[]
  readonly sets: readonly JournalSet[]
}

export interface JournalSet {
  readonly key: Key
  readonly value: Uint8Array
  readonly lastModified: number
}

/** Why bytes are no journal. */
export type Malformed = 'truncated' | 'bad-magic' | 'bad-digest' | 'bad-key' | 'trailing-bytes'

const MAGIC = new TextEncoder().encode('fata-kv1')
const DIGEST = MAGIC.length
const BODY = DIGEST + 32
const COUNTS_LEN = 8
const KEY_HEAD_LEN = 2
const VALUE_HEAD_LEN = 16

/** The journal as pieces to be written one after the other; the values are not copied. */
export function encodeJournal({ removes, sets }: JournalRecord): Uint8Array[] {
  const counts = new DataView(new ArrayBuffer(COUNTS_LEN))
  counts.setUint32(0, removes.length)
  counts.setUint32(4, sets.length)
  const body: Uint8Array[] = [new Uint8Array(counts.buffer)]
  for (const key of removes) body.push(encodeHead(key))
  for (const set of sets) body.push(encodeHead(set.key, set), set.value)
  const hash = createHash('sha256')
  for (const piece of body) hash.update(piece)
  return [MAGIC, new Uint8Array(hash.digest()), ...body]
}

function encodeHead(key: Key, set?: JournalSet): Uint8Array {
  const path = new TextEncoder().encode(key.toString())
  const head = new Uint8Array(KEY_HEAD_LEN + path.length + (set ? VALUE_HEAD_LEN : 0))
  const view = new DataView(head.buffer)
  view.setUint16(0, path.length)
  head.set(path, KEY_HEAD_LEN)
  if (set) {
    view.setFloat64(head.length - 16, set.lastModified)
    view.setFloat64(head.length - 8, set.value.length)
  }
  return head
}

/** Reads a whole journal; its values are views of `bytes`. Never throws; what it returns is what was encoded. */
export function decodeJournal(bytes: Uint8Array): JournalRecord | Malformed {
  if (bytes.length < BODY + COUNTS_LEN) return 'truncated'
  if (!equalBytes(bytes.subarray(0, DIGEST), MAGIC)) return 'bad-magic'
  const body = bytes.subarray(BODY)
  const digest = createHash('sha256').update(body).digest()
  return equalBytes(digest, bytes.subarray(DIGEST, BODY)) ? decodeBody(body) : 'bad-digest'
}

function decodeBody(body: Uint8Array): JournalRecord | Malformed {
  const view = new DataView(body.buffer, body.byteOffset, body.length)
  const removes: Key[] = []
  const sets: JournalSet[] = []
  const removeCount = view.getUint32(0)
  const count = removeCount + view.getUint32(4)
  let at = COUNTS_LEN
  for (let i = 0; i < count; i++) {
    if (at + KEY_HEAD_LEN > body.length) return 'truncated'
    const keyEnd = at + KEY_HEAD_LEN + view.getUint16(at)
    const headEnd = keyEnd + (i < removeCount ? 0 : VALUE_HEAD_LEN)
    if (headEnd > body.length) return 'truncated'
    const key = decodeKey(body.subarray(at + KEY_HEAD_LEN, keyEnd))
    if (!key) return 'bad-key'
    at = headEnd
    if (i < removeCount) {
      removes.push(key)
      continue
    }
    const end = headEnd + view.getFloat64(headEnd - 8)
    if (!(end >= headEnd && end <= body.length)) return 'truncated'
    sets.push({ key, lastModified: view.getFloat64(headEnd - 16), value: body.subarray(headEnd, end) })
    at = end
  }
  return at === body.length ? { removes, sets } : 'trailing-bytes'
}

function decodeKey(path: Uint8Array): Key | undefined {
  try {
    const key = Key.parse(new TextDecoder('utf-8', { fatal: true }).decode(path))
    return key.segments.length > 0 ? key : undefined
  } catch {
    return undefined
  }
}
