const SLASH = 0x2f

export const MAX_SEGMENT_BYTES = 255

/** Orders names as their UTF-8 bytes do. */
export function compareSegments(a: string, b: string): number {
  const n = Math.min(a.length, b.length)
  for (let i = 0; i < n; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // UTF-16 puts surrogates before U+E000..U+FFFF, UTF-8 after them.
    if (x >= 0xd800 && y >= 0xd800) return rotate(x) - rotate(y)
    return x - y
  }
  return a.length - b.length
}

function rotate(unit: number): number {
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}

/** Whether `name` may be a segment of a key. */
export function isSegment(name: string): boolean {
  return typeof measureSegment(name) === 'number'
}

/** Bytes of a segment in UTF-8, or why it is none. */
export function measureSegment(segment: string): number | string {
  if (typeof segment !== 'string') return 'a segment is a string'
  if (segment === '' || segment === '.' || segment === '..') return 'no segment may be empty, . or ..'
  let bytes = 0
  for (let i = 0; i < segment.length; i++) {
    const unit = segment.charCodeAt(i)
    if (unit === 0 || unit === SLASH) return 'no segment may hold / or NUL'
    if (unit < 0x80) bytes += 1
    else if (unit < 0x800) bytes += 2
    else if (unit < 0xd800 || unit > 0xdfff) bytes += 3
    else {
      const low = segment.charCodeAt(++i)
      if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return 'no segment may hold a lone surrogate'
      bytes += 4
    }
  }
  return bytes <= MAX_SEGMENT_BYTES ? bytes : `no segment may be longer than ${MAX_SEGMENT_BYTES} bytes`
}
