import { u16 } from '@fata/bytes'

const POINTER = 0xc0
const LONGEST_LABEL = 63
const LONGEST_NAME = 255

/** Letters, digits, hyphen and underscore only: names end up in files and command lines of whoever asked for them. */
const LABEL = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/

/** Whether `text` is a domain name or a single label that may be used as it stands; a final dot is not. */
export function isName(text: string): boolean {
  return text.length <= LONGEST_NAME - 2 && text.split('.').every((l) => l.length <= LONGEST_LABEL && LABEL.test(l))
}

/**
 * The domain names of a list in the encoding of RFC 1035 §3.1, with pointers into the list itself where `compressed` (RFC 3397 §2; RFC 8415
 * §10 forbids them). Undefined where it is no such list, or empty.
 */
export function readNames(b: Uint8Array, compressed: boolean): readonly string[] | undefined {
  const names: string[] = []
  for (let at = 0; at < b.length; ) {
    const labels: string[] = []
    const next = readLabels(b, at, compressed, labels)
    const name = labels.join('.')
    if (next === undefined || !isName(name)) return undefined
    names.push(name)
    at = next
  }
  return names.length === 0 ? undefined : names
}

/** Reads one name and returns where the next begins. Pointers must lead back, so that there is an end. */
function readLabels(b: Uint8Array, from: number, compressed: boolean, labels: string[]): number | undefined {
  let at = from
  let next: number | undefined
  let least = from
  let length = 0
  for (;;) {
    if (at >= b.length) return undefined
    const size = b[at]!
    if (size === 0) return next ?? at + 1
    if (size <= LONGEST_LABEL) {
      length += size + 1
      if (at + 1 + size >= b.length || length >= LONGEST_NAME) return undefined
      labels.push(String.fromCharCode(...b.subarray(at + 1, at + 1 + size)))
      at += size + 1
      continue
    }
    if (!compressed || size < POINTER || at + 2 > b.length) return undefined
    const target = u16(b, at) & 0x3fff
    if (target >= least) return undefined
    next ??= at + 2
    least = target
    at = target
  }
}

/** The names behind each other, uncompressed. Throws a TypeError on what is no name. */
export function writeNames(names: readonly string[]): Uint8Array {
  const bytes: number[] = []
  for (const name of names) {
    if (!isName(name)) throw new TypeError(`not a domain name: '${name}'`)
    for (const label of name.split('.')) bytes.push(label.length, ...latin1(label))
    bytes.push(0)
  }
  return Uint8Array.from(bytes)
}

/** One byte per character; `text` must have none above 255. */
export function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (c) => c.charCodeAt(0))
}

/** One character per byte of `b[off..end)`. */
export function fromLatin1(b: Uint8Array, off = 0, end: number = b.length): string {
  let s = ''
  for (let i = off; i < end; i++) s += String.fromCharCode(b[i]!)
  return s
}
