import { fromUtf8, toUtf8 } from './text.ts'

const SPACE = 0x20
const EQUALS = 0x3d
const NEWLINE = 0x0a

/** Keyword to value. An empty value takes back what an earlier header said. */
export type PaxRecords = ReadonlyMap<string, Uint8Array>

/**
 * Reads the records of an extended header, each `"%d %s=%s\n", length, keyword, value`, at `b[o..end)`; IEEE Std 1003.1, pax,
 * "pax Extended Header". The values are views. Bytes after the last record must be NUL.
 */
export function decodePax(b: Uint8Array, o: number, end: number): PaxRecords | 'bad-pax' {
  const records = new Map<string, Uint8Array>()
  let at = o
  while (at < end && b[at] !== 0) {
    const space = b.indexOf(SPACE, at)
    const next = at + lengthAt(b, at, space)
    const equals = b.indexOf(EQUALS, space)
    if (!(next <= end) || equals < 0 || equals >= next || b[next - 1] !== NEWLINE) return 'bad-pax'
    const keyword = fromUtf8(b.subarray(space + 1, equals))
    if (!keyword) return 'bad-pax'
    records.set(keyword, b.subarray(equals + 1, next - 1))
    at = next
  }
  for (; at < end; at++) if (b[at] !== 0) return 'bad-pax'
  return records
}

/** NaN unless there are one to ten digits. */
function lengthAt(b: Uint8Array, at: number, space: number): number {
  if (space <= at || space - at > 10) return Number.NaN
  let length = 0
  for (let i = at; i < space; i++) {
    const digit = b[i]! - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    length = length * 10 + digit
  }
  // The length counts itself, the space and at least `=` and the newline.
  return length > space - at + 2 ? length : Number.NaN
}

export function encodePax(records: Readonly<Record<string, string>>): Uint8Array {
  return toUtf8(Object.entries(records).map(record).join(''))
}

function record([keyword, value]: readonly [string, string]): string {
  const rest = ` ${keyword}=${value}\n`
  const bytes = toUtf8(rest).length
  let length = bytes + 1
  while (String(length).length + bytes !== length) length = String(length).length + bytes
  return length + rest
}
