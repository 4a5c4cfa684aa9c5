import { putU16, putU32 } from '@fata/bytes'
import { parseName } from './name.ts'

const MAX_POINTER = 0x3fff

/** Writes a message from front to back; what does not fit sets `full` and nothing more is written. */
export class Writer {
  readonly buf: Uint8Array
  readonly start: number
  readonly end: number
  at: number
  full = false
  /** Where each name, and each end of one, has been written, by its wire form. */
  readonly #names = new Map<string, number>()

  constructor(buf: Uint8Array, start: number, end: number) {
    this.buf = buf
    this.start = start
    this.end = end
    this.at = start
  }

  #room(n: number): boolean {
    if (this.end - this.at < n) this.full = true
    return !this.full
  }

  u8(value: number): void {
    if (this.#room(1)) this.buf[this.at++] = value
  }

  u16(value: number): void {
    if (!this.#room(2)) return
    putU16(this.buf, this.at, value)
    this.at += 2
  }

  u32(value: number): void {
    if (!this.#room(4)) return
    putU32(this.buf, this.at, value)
    this.at += 4
  }

  bytes(data: Uint8Array): void {
    if (!this.#room(data.length)) return
    this.buf.set(data, this.at)
    this.at += data.length
  }

  /** A name; `compression` refers to what was written before (RFC 1035 §4.1.4). Throws a TypeError where the text is no name. */
  name(text: string, compression = true): void {
    const wire = parseName(text)
    if (wire === undefined) throw new TypeError(`not a domain name: '${text}'`)
    const key = String.fromCharCode(...wire)
    for (let i = 0; ; i += 1 + wire[i]!) {
      const suffix = key.slice(i)
      const known = this.#names.get(suffix)
      if (wire[i] !== 0 && known !== undefined && compression) {
        this.u16(0xc000 | known)
        return
      }
      const offset = this.at - this.start
      if (wire[i] !== 0 && known === undefined && offset <= MAX_POINTER) this.#names.set(suffix, offset)
      this.bytes(wire.subarray(i, i + 1 + wire[i]!))
      if (wire[i] === 0) return
    }
  }

  /** What `body` writes, behind its length in two bytes. */
  sized(body: () => void): void {
    const at = this.at
    this.u16(0)
    body()
    if (!this.full) putU16(this.buf, at, this.at - at - 2)
  }
}
