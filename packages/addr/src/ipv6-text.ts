import { formatIpv4, parseIpv4 } from './ipv4.ts'
import { type Ipv6, ipv6FromWords, unmapIpv4 } from './ipv6.ts'

/** The groups of 16 bits in `text`; an IPv4 tail counts as two. Undefined where it is no such list. */
function groups(text: string): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':')
  const values: number[] = []
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      values.push(Number.parseInt(part, 16))
      continue
    }
    const tail = i === parts.length - 1 ? parseIpv4(part) : undefined
    if (tail === undefined) return undefined
    values.push(tail >>> 16, tail & 0xffff)
  }
  return values
}

/** The text forms of RFC 4291 §2.2, with an optional zone behind `%` (RFC 4007 §11). Undefined on anything else. */
export function parseIpv6(text: string): Ipv6 | undefined {
  const percent = text.indexOf('%')
  const zone = percent < 0 ? '' : text.slice(percent + 1)
  if (percent >= 0 && !/^[\w.~-]+$/.test(zone)) return undefined
  const body = percent < 0 ? text : text.slice(0, percent)

  const gap = body.indexOf('::')
  const head = groups(gap < 0 ? body : body.slice(0, gap))
  const tail = groups(gap < 0 ? '' : body.slice(gap + 2))
  if (head === undefined || tail === undefined) return undefined
  // A dotted part ends an address: before the gap it would stand in the middle.
  if (gap >= 0 && body.slice(0, gap).includes('.')) return undefined
  const missing = 8 - head.length - tail.length
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined

  const g = [...head, ...new Array<number>(missing).fill(0), ...tail]
  const word = (i: number): number => (g[i]! << 16) | g[i + 1]!
  return ipv6FromWords(word(0), word(2), word(4), word(6), zone)
}

/** As `parseIpv6`; throws a TypeError that quotes the text. */
export function ipv6(text: string): Ipv6 {
  const a = parseIpv6(text)
  if (a === undefined) throw new TypeError(`not an IPv6 address: '${text}'`)
  return a
}

/** The canonical form of RFC 5952: lower case, the longest run of zeros as `::`, dotted tail for IPv4-mapped addresses. */
export function formatIpv6(a: Ipv6): string {
  const zone = a.zone === '' ? '' : `%${a.zone}`
  const mapped = unmapIpv4(a)
  if (mapped !== undefined) return `::ffff:${formatIpv4(mapped)}${zone}`
  const g = [a.w0, a.w1, a.w2, a.w3].flatMap((w) => [w >>> 16, w & 0xffff])
  let start = -1
  let length = 1
  for (let i = 0; i < 8; i++) {
    let n = 0
    while (i + n < 8 && g[i + n] === 0) n++
    if (n > length) {
      start = i
      length = n
    }
  }
  const text = (from: number, to: number): string =>
    g
      .slice(from, to)
      .map((v) => v.toString(16))
      .join(':')
  return (start < 0 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`) + zone
}
