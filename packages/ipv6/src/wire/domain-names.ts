// Domain names as RFC 1035 §3.1 writes them, uncompressed, as RFC 8106 §5.2 puts them into a search list.

const MAX_NAME = 255

/**
 * The names at `b[o..end)`, up to the padding. Undefined where one does not end, is compressed or too long, or holds a byte that is no
 * letter, digit, hyphen or underscore: such a name could only mislead who logs or appends it.
 */
export function decodeDomainNames(b: Uint8Array, o: number, end: number): string[] | undefined {
  const names: string[] = []
  for (let at = o; at < end && b[at] !== 0; ) {
    const start = at
    let name = ''
    for (let length = b[at]!; length !== 0; length = b[at]!) {
      if (length > 63 || at + length + 1 >= end) return undefined
      for (let i = at + 1; i <= at + length; i++) {
        if (!isHostByte(b[i]!)) return undefined
        name += String.fromCharCode(b[i]!)
      }
      name += '.'
      at += length + 1
    }
    at++
    if (at - start > MAX_NAME) return undefined
    names.push(name.slice(0, -1))
  }
  return names.length === 0 ? undefined : names
}

function isHostByte(c: number): boolean {
  return (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 45 || c === 95
}

/** Bytes that `encodeDomainNames` writes. */
export function domainNamesLength(names: readonly string[]): number {
  return names.reduce((sum, name) => sum + name.length + 2, 0)
}

/** Writes the names at `b[o..)`. Labels are ASCII and of 1 to 63 bytes. */
export function encodeDomainNames(b: Uint8Array, o: number, names: readonly string[]): void {
  let at = o
  for (const name of names) {
    for (const label of name.split('.')) {
      b[at++] = label.length
      for (let i = 0; i < label.length; i++) b[at++] = label.charCodeAt(i)
    }
    b[at++] = 0
  }
}
