const DIGITS = '0123456789abcdef'

/** Lower-case hex of `b[off..end)`, no separators. */
export function hex(b: Uint8Array, off = 0, end: number = b.length): string {
  let s = ''
  for (let i = off; i < end; i++) s += DIGITS[b[i]! >>> 4]! + DIGITS[b[i]! & 15]!
  return s
}

/** Bytes of a hex string; white space and colons between digits are skipped. Throws a TypeError on anything else. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, '')
  if (digits.length % 2 !== 0 || /[^0-9a-fA-F]/.test(digits)) throw new TypeError(`not hex: '${text}'`)
  const b = new Uint8Array(digits.length / 2)
  for (let i = 0; i < b.length; i++) b[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16)
  return b
}

/** `b[off..end)` in rows of 16: offset, hex, printable ASCII. */
export function hexDump(b: Uint8Array, off = 0, end: number = b.length): string {
  const rows: string[] = []
  for (let row = off; row < end; row += 16) {
    let left = ''
    let right = ''
    for (let i = row; i < row + 16; i++) {
      const byte = i < end ? b[i]! : -1
      left += byte < 0 ? '   ' : `${DIGITS[byte >>> 4]}${DIGITS[byte & 15]} `
      if (byte >= 0) right += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'
    }
    rows.push(`${(row - off).toString(16).padStart(4, '0')}  ${left} ${right}`)
  }
  return rows.join('\n')
}
