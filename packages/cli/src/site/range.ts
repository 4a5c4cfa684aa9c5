import parseRange from 'range-parser'

/** The part of a value that a response carries: bytes `start..end`, `end` exclusive. */
export type Part =
  | { readonly kind: 'whole'; readonly start: 0; readonly end: number }
  | { readonly kind: 'partial'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' }

/** RFC 9110 §14.2. Several ranges at once are answered with the whole, as §14.2 allows. */
export function choosePart(size: number, range: string | undefined): Part {
  const whole: Part = { kind: 'whole', start: 0, end: size }
  if (range === undefined) return whole
  const ranges = parseRange(size, range, { combine: true })
  if (ranges === -1) return { kind: 'unsatisfiable' }
  if (ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return whole
  return { kind: 'partial', start: ranges[0]!.start, end: ranges[0]!.end + 1 }
}

/** `If-Range` (RFC 9110 §13.1.5): whether a range may be served, given the value's validators. */
export function rangeApplies(ifRange: string | undefined, etag: string, lastModified: string): boolean {
  return ifRange === undefined || ifRange === etag || ifRange === lastModified
}
