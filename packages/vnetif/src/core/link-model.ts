import { type Random, randomBelow } from '@fata/runtime'
import { type Impairments, isPerfect, NO_IMPAIRMENTS } from '../impairments.ts'
import { SerialLine } from './serial-line.ts'

/** Why a link does not take a frame. */
export type LinkRefusal = 'link-down' | 'too-long' | 'loss' | 'queue-full' | 'flight-full'

/** What one direction of a link has done to frames that it took. */
export interface LinkStats {
  duplicated: number
  corrupted: number
  reordered: number
}

const TWO_32 = 0x1_0000_0000

/** What becomes of each frame on one direction of a link. Randomness is drawn only for impairments that are set, in order of frames. */
export class LinkModel {
  readonly stats: LinkStats = { duplicated: 0, corrupted: 0, reordered: 0 }
  readonly #random: Random
  readonly #line = new SerialLine()
  impairments: Required<Impairments> = NO_IMPAIRMENTS
  #lastDue = Number.NEGATIVE_INFINITY

  constructor(random: Random) {
    this.#random = random
  }

  get isPerfect(): boolean {
    return isPerfect(this.impairments)
  }

  /** Why a frame that carries `packet` bytes does not pass; undefined where it does. */
  refuse(packet: number): LinkRefusal | undefined {
    const { up, mtu, loss } = this.impairments
    if (!up) return 'link-down'
    if (packet > mtu) return 'too-long'
    return this.#happens(loss) ? 'loss' : undefined
  }

  /** Is the frame sent twice? */
  duplicates(): boolean {
    const happens = this.#happens(this.impairments.duplicate)
    if (happens) this.stats.duplicated++
    return happens
  }

  /** The bit to flip in a frame of `length` bytes; -1 for none. */
  corruptBit(length: number): number {
    if (!this.#happens(this.impairments.corrupt)) return -1
    this.stats.corrupted++
    return randomBelow(this.#random, length * 8)
  }

  /** How many bytes of junk follow the frame. */
  trailingBytes(): number {
    const { trailingBytes } = this.impairments
    return trailingBytes === 0 ? 0 : 1 + randomBelow(this.#random, trailingBytes)
  }

  junkByte(): number {
    return this.#random.uint32() >>> 24
  }

  /** When a frame of `length` bytes arrives that is written at `now`; -1 where it finds the queue full. */
  arrival(now: number, length: number): number {
    const { latencyMs, jitterMs, reorder, reorderMs } = this.impairments
    const sent = this.#line.send(now, length, this.impairments)
    if (sent === -1) return -1
    const jitter = jitterMs === 0 ? 0 : (this.#random.uint32() / (TWO_32 - 1)) * 2 * jitterMs - jitterMs
    const due = Math.max(sent + latencyMs + jitter, this.#lastDue)
    if (this.#happens(reorder)) {
      this.stats.reordered++
      return due + reorderMs
    }
    this.#lastDue = due
    return due
  }

  #happens(probability: number): boolean {
    return probability > 0 && this.#random.uint32() < probability * TWO_32
  }
}
