import { isSegment, type Key, KvError } from '@fata/kv'
import { decodeText, encodeText, fromBinary, toBinary } from './bytes.ts'

/** Code points that HFS+ leaves out of names. */
const HFS_IGNORED = /[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g
/** What NTFS takes for `.git`: also its short name, ends of dots and spaces, streams. */
const NTFS_DOT_GIT = /^(\.git|git~1)[. ]*(:|$)/i

/** Whether a file system that somebody checks the tree out on would take the name for `.git`. */
export function isDotGit(name: string): boolean {
  if (name.replace(HFS_IGNORED, '').toLowerCase() === '.git') return true
  return name.split('\\').some((part) => NTFS_DOT_GIT.test(part))
}

/** Throws KvError KV_KEY_INVALID for a key that no tree of git may hold. */
export function refuseDotGit(key: Key): void {
  const bad = key.segments.find(isDotGit)
  if (bad !== undefined) throw new KvError('KV_KEY_INVALID', { key, message: 'a name stands for .git' })
}

/** A segment as trees hold it: one character for each byte. */
export function toEntryName(segment: string): string {
  for (let i = 0; i < segment.length; i++) if (segment.charCodeAt(i) > 0x7f) return toBinary(encodeText(segment))
  return segment
}

/** Undefined for an entry that no key can name. */
export function fromEntryName(name: string): string | undefined {
  const text = decodeText(fromBinary(name))
  return text !== undefined && isSegment(text) ? text : undefined
}

/** What git-check-ref-format refuses, in any part of the name. */
const BAD_REF =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  /^\/|\/$|\/\/|\.\.|@\{|[\x00-\x20\x7f~^:?*[\\]|\.$|\.lock(\/|$)|(^|\/)\./

/** Throws RangeError for what cannot be the name of a branch. */
export function checkBranch(name: string): string {
  if (typeof name !== 'string') throw new TypeError('a branch has a name')
  if (name === '' || name === '@' || name === 'HEAD' || name.startsWith('-') || BAD_REF.test(name)) {
    throw new RangeError(`not a name for a branch: ${JSON.stringify(name)}`)
  }
  return name
}
