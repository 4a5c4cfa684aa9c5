import { assert } from '@fata/bytes'

/** More than all that is put between `begin` and `text` may take. */
const MOST_BYTES = 2048
/** A tag is twice the index; and one more where the eight bytes of a double follow, instead of a difference. */
const DOUBLE = 1

/**
 * Numbers and flags as bytes, each only where it differs from what the reader takes it to be without. What was put has to be taken in
 * the same order, with the same origins.
 */
export class Differences {
  readonly #bytes = new Uint8Array(MOST_BYTES)
  readonly #double = new Float64Array(1)
  readonly #doubleBytes = new Uint8Array(this.#double.buffer)
  #at = 0
  #end = 0

  /** Starts to write behind `bytes`. */
  begin(bytes: Uint8Array): void {
    this.#bytes.set(bytes)
    this.#at = bytes.length
  }

  /** False where `value` cannot be written: it is neither a number nor a flag, and not what the reader takes it to be. */
  put(index: number, value: unknown, origin: unknown): boolean {
    if (Object.is(value, origin)) return true
    if (typeof value !== typeof origin) return false
    if (typeof value === 'boolean') {
      this.#putInteger(2 * index)
      this.#putInteger(0)
      return true
    }
    if (typeof value !== 'number') return false
    const difference = value - (origin as number)
    if (Number.isSafeInteger(value) && Number.isSafeInteger(difference)) {
      this.#putInteger(2 * index)
      this.#putInteger(difference < 0 ? -2 * difference - 1 : 2 * difference)
    } else {
      this.#putInteger(2 * index + DOUBLE)
      this.#double[0] = value
      this.#bytes.set(this.#doubleBytes, this.#at)
      this.#at += 8
    }
    return true
  }

  /** All that was written, one byte per character. */
  text(): string {
    return String.fromCharCode(...this.#bytes.subarray(0, this.#at))
  }

  /** Starts to read a text at `at`. */
  open(text: string, at: number): void {
    for (let i = at; i < text.length; i++) this.#bytes[i] = text.charCodeAt(i)
    this.#at = at
    this.#end = text.length
  }

  /** What was put under `index`, or else `origin`. */
  take(index: number, origin: unknown): unknown {
    if (this.#at === this.#end) return origin
    const before = this.#at
    const tag = this.#takeInteger()
    if (Math.floor(tag / 2) !== index) {
      this.#at = before
      return origin
    }
    if (tag % 2 === DOUBLE) {
      this.#doubleBytes.set(this.#bytes.subarray(this.#at, this.#at + 8))
      this.#at += 8
      return this.#double[0]!
    }
    const folded = this.#takeInteger()
    if (typeof origin === 'boolean') return !origin
    return (origin as number) + (folded % 2 === 0 ? folded / 2 : -(folded + 1) / 2)
  }

  /** Ends reading. */
  close(): void {
    assert(this.#at === this.#end, 'everything that was put is taken')
  }

  /** Seven bits to a byte, low ones first. Not by shifts: these are up to 2^54. */
  #putInteger(value: number): void {
    let left = value
    for (; left >= 128; left = Math.floor(left / 128)) this.#bytes[this.#at++] = 128 + (left % 128)
    this.#bytes[this.#at++] = left
  }

  #takeInteger(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++]!
      value += (byte % 128) * scale
      if (byte < 128) return value
    }
  }
}
