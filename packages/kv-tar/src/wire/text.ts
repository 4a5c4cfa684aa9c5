const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenient = new TextDecoder('utf-8', { ignoreBOM: true })
const encoder = new TextEncoder()

/** The bytes up to a NUL, in `b[o..o+length)`. */
export function cString(b: Uint8Array, o: number, length: number): Uint8Array {
  const end = o + length
  let at = o
  while (at < end && b[at] !== 0) at++
  return b.subarray(o, at)
}

/** undefined unless the bytes are UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** For people to read. */
export function shownText(bytes: Uint8Array): string {
  return lenient.decode(bytes)
}

export function toUtf8(text: string): Uint8Array {
  return encoder.encode(text)
}
