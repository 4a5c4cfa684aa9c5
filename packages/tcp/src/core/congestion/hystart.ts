import { serialGt } from '@fata/bytes'
import type { AckSample } from './congestion.ts'

const MIN_RTT_THRESH_MS = 4
const MAX_RTT_THRESH_MS = 16
const MIN_RTT_DIVISOR = 8
const N_RTT_SAMPLE = 8
const CSS_GROWTH_DIVISOR = 4
const CSS_ROUNDS = 5

/**
 * HyStart++, RFC 9406: slow start notices by longer round trips that a queue builds up, and goes on slowly until it is sure.
 *
 * Differs from the RFC in: L, the limit of growth per ACK, is infinite, since super-frames are acknowledged with 64 KB at once.
 */
export class HyStart {
  #lastRoundMin: number = Number.POSITIVE_INFINITY
  #currentRoundMin: number = Number.POSITIVE_INFINITY
  #samples = 0
  /** The round ends when this is acknowledged; undefined before the first. */
  #windowEnd: number | undefined
  /** CSS: the round trip when it began, Infinity in slow start proper; rounds it has lasted. */
  #baseline: number = Number.POSITIVE_INFINITY
  #cautiousRounds = 0

  /** The window grows more slowly: conservative slow start. */
  get isCautious(): boolean {
    return this.#baseline !== Number.POSITIVE_INFINITY
  }

  /** How much `acked` bytes may open the window. */
  growth(acked: number): number {
    return this.isCautious ? acked / CSS_GROWTH_DIVISOR : acked
  }

  /** Looks at an ACK. Returns whether slow start is over. */
  onAck(ack: Readonly<AckSample>): boolean {
    if (this.#windowEnd === undefined || serialGt(ack.una, this.#windowEnd)) {
      this.#beginRound(ack)
      if (this.isCautious && ++this.#cautiousRounds >= CSS_ROUNDS) return true
    }
    if (Number.isNaN(ack.rttMs)) return false
    this.#currentRoundMin = Math.min(this.#currentRoundMin, ack.rttMs)
    this.#samples++
    if (this.#samples >= N_RTT_SAMPLE) this.#judge()
    return false
  }

  #beginRound(ack: Readonly<AckSample>): void {
    this.#windowEnd = ack.next
    this.#lastRoundMin = this.#currentRoundMin
    this.#currentRoundMin = Number.POSITIVE_INFINITY
    this.#samples = 0
  }

  #judge(): void {
    if (this.isCautious) {
      if (this.#currentRoundMin < this.#baseline) this.#baseline = Number.POSITIVE_INFINITY
      return
    }
    if (this.#lastRoundMin === Number.POSITIVE_INFINITY) return
    const threshold = Math.max(MIN_RTT_THRESH_MS, Math.min(this.#lastRoundMin / MIN_RTT_DIVISOR, MAX_RTT_THRESH_MS))
    if (this.#currentRoundMin < this.#lastRoundMin + threshold) return
    this.#baseline = this.#currentRoundMin
    this.#cautiousRounds = 0
  }
}
