// Serial number arithmetic over 32 bits (RFC 1982, RFC 9293 §3.4). Values are numbers in 0..2^32-1; comparisons of
// values 2^31 apart are undefined, as in the RFC.

/** `a + n` modulo 2^32; `n` may be negative. */
export function serialAdd(a: number, n: number): number {
  return (a + n) >>> 0
}

/** `a - b` as a signed distance. */
export function serialDiff(a: number, b: number): number {
  return (a - b) | 0
}

/** `a` comes before `b`. */
export function serialLt(a: number, b: number): boolean {
  return ((a - b) | 0) < 0
}

/** `a` comes before `b` or is `b`. */
export function serialLeq(a: number, b: number): boolean {
  return ((a - b) | 0) <= 0
}

/** `a` comes after `b`. */
export function serialGt(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}

/** `a` comes after `b` or is `b`. */
export function serialGeq(a: number, b: number): boolean {
  return ((a - b) | 0) >= 0
}
