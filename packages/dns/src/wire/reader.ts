import { u16, u32 } from '@fata/bytes'
import { formatLabel, MAX_NAME } from './name.ts'

/** Why bytes are no message. */
export type Malformed =
  | 'truncated'
  | 'bad-label'
  | 'bad-pointer'
  | 'name-too-long'
  | 'bad-rdata'
  | 'bad-opt'
  | 'trailing-bytes'

const HEADER_LEN = 12

/**
 * Reads a message from front to back. The first thing that is wrong stays in `malformed`; from then on everything reads as nothing, so that
 * callers look once, at the end.
 */
export class Reader {
  readonly buf: Uint8Array
  readonly start: number
  at: number
  end: number
  malformed: Malformed | undefined

  constructor(buf: Uint8Array, start: number, end: number) {
    this.buf = buf
    this.start = start
    this.at = start
    this.end = end
    this.malformed = undefined
  }

  fail(reason: Malformed): void {
    this.malformed ??= reason
    this.at = this.end
  }

  /** Whether `n` bytes more are there; fails where they are not. */
  has(n: number): boolean {
    if (this.malformed === undefined && this.end - this.at >= n) return true
    this.fail('truncated')
    return false
  }

  u8(): number {
    return this.has(1) ? this.buf[this.at++]! : 0
  }

  u16(): number {
    if (!this.has(2)) return 0
    this.at += 2
    return u16(this.buf, this.at - 2)
  }

  u32(): number {
    if (!this.has(4)) return 0
    this.at += 4
    return u32(this.buf, this.at - 4)
  }

  /** A copy of the next `n` bytes. */
  bytes(n: number): Uint8Array {
    if (!this.has(n)) return new Uint8Array(0)
    this.at += n
    return this.buf.slice(this.at - n, this.at)
  }

  /**
   * A name (RFC 1035 §3.1, §4.1.4). A pointer leads in front of the labels that it ends, so every pointer leads further back and there
   * are no loops.
   */
  name(compression = true): string {
    const { buf } = this
    let text = ''
    let length = 1
    let at = this.at
    let segment = at
    let end = this.end
    let next = -1
    for (;;) {
      // Behind a pointer, labels end in front of where they were pointed to from.
      const short: Malformed = next < 0 ? 'truncated' : 'bad-pointer'
      if (this.malformed !== undefined || at >= end) return this.#noName(short)
      const head = buf[at]!
      if (head === 0) break
      if (head >= 0xc0) {
        if (!compression) return this.#noName('bad-pointer')
        if (at + 2 > end) return this.#noName(short)
        const target = this.start + (u16(buf, at) & 0x3fff)
        if (target >= segment || target < this.start + HEADER_LEN) return this.#noName('bad-pointer')
        if (next < 0) next = at + 2
        end = segment
        segment = at = target
        continue
      }
      if (head > 63) return this.#noName('bad-label')
      if (at + 1 + head > end) return this.#noName(short)
      length += 1 + head
      if (length > MAX_NAME) return this.#noName('name-too-long')
      text += (text === '' ? '' : '.') + formatLabel(buf, at + 1, at + 1 + head)
      at += 1 + head
    }
    this.at = next < 0 ? at + 1 : next
    return text
  }

  #noName(reason: Malformed): string {
    this.fail(reason)
    return ''
  }
}
