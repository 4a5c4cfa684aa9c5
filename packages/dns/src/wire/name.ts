/** Bytes of a name with its lengths and the root's 0; of a label (RFC 1035 §2.3.4). */
export const MAX_NAME = 255
export const MAX_LABEL = 63

const BACKSLASH = 92
const DOT = 46

/**
 * The wire form of a name in text form (see `Question.name`), a final dot allowed; undefined where it is none: an empty or long label,
 * more than 255 bytes, a bad escape, a character outside of ASCII.
 */
export function parseName(text: string): Uint8Array | undefined {
  const out = new Uint8Array(MAX_NAME)
  if (text === '' || text === '.') return out.subarray(0, 1)
  let label = 0
  let at = 1
  for (let i = 0; i < text.length; i++) {
    let c = text.charCodeAt(i)
    if (c === DOT) {
      if (at === label + 1) return undefined
      out[label] = at - label - 1
      label = at++
      continue
    }
    if (c === BACKSLASH) {
      const digits = /^\d{3}/.exec(text.slice(i + 1, i + 4))?.[0]
      c = digits === undefined ? text.charCodeAt(i + 1) : Number(digits)
      if (!(c < (digits === undefined ? 128 : 256))) return undefined
      i += digits === undefined ? 1 : 3
    } else if (c > 127) return undefined
    if (at - label > MAX_LABEL || at >= MAX_NAME - 1) return undefined
    out[at++] = c
  }
  if (at === label + 1) return out.subarray(0, at)
  out[label] = at - label - 1
  return out.subarray(0, at + 1)
}

/** The text of one label. */
export function formatLabel(b: Uint8Array, off: number, end: number): string {
  let text = ''
  for (let i = off; i < end; i++) {
    const c = b[i]!
    if (c === DOT || c === BACKSLASH) text += `\\${String.fromCharCode(c)}`
    else text += c > 32 && c < 127 ? String.fromCharCode(c) : `\\${String(c).padStart(3, '0')}`
  }
  return text
}

/** The form in which equal names are equal strings: RFC 4343 folds the case of ASCII letters only. */
export function foldName(name: string): string {
  const folded = name.replace(/[A-Z]/g, (c) => c.toLowerCase())
  return /(?<!\\)\.$/.test(folded) ? folded.slice(0, -1) : folded
}

/** The same name, whatever the case of its letters (RFC 1035 §2.3.3). */
export function nameEquals(a: string, b: string): boolean {
  return a === b || foldName(a) === foldName(b)
}
