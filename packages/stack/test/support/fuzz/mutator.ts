import { putU16, putU32 } from '@fata/bytes'
import { type Random, randomBelow } from '@fata/runtime'
import { repairChecksums } from './checksums.ts'

const LONGEST = 1514
/** Values at which things break. */
const EDGES = [0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 20, 40, 60, 64, 127, 128, 129, 254, 255]
const WORDS = [0, 1, 7, 8, 0x7fff, 0x8000, 0xfff8, 0xffff]

/** Changes frames: where and how is the seed's to say. */
export class Mutator {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  /** An altered copy of `frame`, perhaps with a piece of `other` in it. Most get right checksums. */
  mutate(frame: Uint8Array, other: Uint8Array): Uint8Array {
    let b: Uint8Array = frame.slice()
    const changes = 1 + this.#below(4)
    for (let i = 0; i < changes; i++) b = this.#change(b, other)
    if (this.#below(8) !== 0) repairChecksums(b)
    return b
  }

  #change(b: Uint8Array, other: Uint8Array): Uint8Array {
    if (b.length === 0) return b
    const at = this.#position(b)
    switch (this.#below(9)) {
      case 0:
        b[at]! ^= 1 << this.#below(8)
        return b
      case 1:
        b[at] = EDGES[this.#below(EDGES.length)]!
        return b
      case 2:
        if (at + 2 <= b.length) putU16(b, at, WORDS[this.#below(WORDS.length)]!)
        return b
      case 3:
        if (at + 4 <= b.length) putU32(b, at, this.#random.uint32())
        return b
      case 4:
        return b.slice(0, at)
      case 5:
        return this.#insert(
          b,
          at,
          Uint8Array.from({ length: 1 + this.#below(64) }, () => this.#random.uint32()),
        )
      case 6: {
        const from = this.#below(other.length + 1)
        return this.#insert(b, at, other.subarray(from, from + this.#below(128)))
      }
      case 7:
        return this.#insert(b.slice(0, at), at, b.subarray(Math.min(b.length, at + this.#below(32))))
      default:
        b.fill(this.#random.uint32(), at, at + this.#below(16))
        return b
    }
  }

  /** Mostly in the headers. The hardware addresses stay, or hardly a frame would arrive. */
  #position(b: Uint8Array): number {
    const from = Math.min(12, b.length - 1)
    const to = this.#below(4) === 0 ? b.length : Math.min(b.length, 94)
    return from + this.#below(to - from)
  }

  #insert(b: Uint8Array, at: number, piece: Uint8Array): Uint8Array {
    const longer = new Uint8Array(Math.min(LONGEST, b.length + piece.length))
    longer.set(b.subarray(0, Math.min(at, longer.length)))
    longer.set(piece.subarray(0, longer.length - at), at)
    const rest = at + piece.length
    if (rest < longer.length) longer.set(b.subarray(at, at + longer.length - rest), rest)
    return longer
  }

  #below(n: number): number {
    return randomBelow(this.#random, n)
  }
}
