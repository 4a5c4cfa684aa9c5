import { serialGeq } from '@fata/bytes'
import type { AckSample } from './congestion/congestion.ts'

/**
 * How fast data is delivered (draft-cheng-iccrg-delivery-rate-estimation), for congestion controls that want to know: what has arrived
 * between the sending of a segment and its acknowledgment, by the longer of the times in which it was sent and acknowledged.
 *
 * Differs from the draft in: not every segment is looked at, but as many of those in flight as there is room for.
 */

const POINTS = 64

/** A segment in flight, and how things were when it was sent. */
interface Point {
  end: number
  sentAt: number
  /** When the segment was sent whose ACK was the last then. */
  firstSentAt: number
  delivered: number
  deliveredAt: number
  appLimited: boolean
}

function createPoint(): Point {
  return { end: 0, sentAt: 0, firstSentAt: 0, delivered: 0, deliveredAt: 0, appLimited: false }
}

export class DeliveryRate {
  #delivered = 0
  #deliveredAt = 0
  #firstSentAt = 0
  /** What is sent is limited by the application until so much is delivered; 0: it is not. */
  #appLimitedUntil = 0
  readonly #points: readonly Point[] = Array.from({ length: POINTS }, createPoint)
  #head = 0
  #count = 0

  /** A segment leaves that ends at `end`; `first`: nothing else is in flight. */
  noteSent(end: number, first: boolean, now: number): void {
    if (first) {
      this.#firstSentAt = this.#deliveredAt = now
      this.#count = 0
    }
    if (this.#count === POINTS) return
    const p = this.#points[(this.#head + this.#count++) % POINTS]!
    p.end = end
    p.sentAt = now
    p.firstSentAt = this.#firstSentAt
    p.delivered = this.#delivered
    p.deliveredAt = this.#deliveredAt
    p.appLimited = this.#appLimitedUntil !== 0
  }

  /** There is nothing to send, though the window has room. */
  noteAppLimited(outstanding: number): void {
    this.#appLimitedUntil = this.#delivered + Math.max(1, outstanding)
  }

  /** `ack.delivered` bytes have arrived: fills in what rate this tells, 0 for none. */
  sample(ack: AckSample): void {
    const { now } = ack
    this.#delivered += ack.delivered
    this.#deliveredAt = now
    if (this.#appLimitedUntil !== 0 && this.#delivered > this.#appLimitedUntil) this.#appLimitedUntil = 0
    ack.rate = 0
    let point: Point | undefined
    while (this.#count > 0 && serialGeq(ack.una, this.#points[this.#head]!.end)) {
      point = this.#points[this.#head]!
      this.#head = (this.#head + 1) % POINTS
      this.#count--
    }
    if (point === undefined) return
    this.#firstSentAt = point.sentAt
    ack.appLimited = point.appLimited
    const interval = Math.max(point.sentAt - point.firstSentAt, now - point.deliveredAt)
    // In less than a round trip nothing can have been sent and acknowledged: several ACKs came together.
    if (interval > 0 && interval >= ack.minRttMs) ack.rate = (this.#delivered - point.delivered) / interval
  }
}
