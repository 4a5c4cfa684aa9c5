import { sha1 } from '@fata/kv'
import { unzlibSync, zlibSync } from 'fflate'
import { concat, encodeText, toBinary, toHex } from './bytes.ts'

export type ObjectType = 'blob' | 'tree' | 'commit' | 'tag'

export interface GitObject {
  readonly type: ObjectType
  readonly content: Uint8Array
}

const HEADER = /^(blob|tree|commit|tag) (0|[1-9]\d{0,15})$/
/** The longest header, with its NUL. */
const MAX_HEADER_LEN = 32

/** What deflating may add, and the header: so much less than a value may an object be. */
export function overheadOf(bytes: number): number {
  return Math.ceil(bytes / 1024) + 128
}

/** A loose object: its id, and the file. */
export function encodeObject({ type, content }: GitObject): { id: string; file: Uint8Array } {
  const bytes = concat(encodeText(`${type} ${content.length}\0`), content)
  return { id: toHex(sha1(bytes)), file: zlibSync(bytes, { level: 1 }) }
}

export type MalformedObject = 'not deflated' | 'another object' | 'bad header' | 'bad length'

/** What the file of the loose object with this id holds. Never throws. */
export function decodeObject(id: string, file: Uint8Array): GitObject | MalformedObject {
  let bytes: Uint8Array
  try {
    bytes = unzlibSync(file)
  } catch {
    return 'not deflated'
  }
  if (toHex(sha1(bytes)) !== id) return 'another object'
  const end = bytes.subarray(0, MAX_HEADER_LEN).indexOf(0)
  const match = HEADER.exec(toBinary(bytes.subarray(0, Math.max(0, end))))
  if (!match) return 'bad header'
  if (Number(match[2]) !== bytes.length - end - 1) return 'bad length'
  return { type: match[1] as ObjectType, content: bytes.slice(end + 1) }
}
