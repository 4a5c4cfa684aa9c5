import { serialGeq, serialGt, serialLeq, serialLt } from '@fata/bytes'

// Words of a record.
const SEQ = 0
const END = 1
const SENT_AT = 2
const FLAGS = 3
const STRIDE = 4

/** The peer has it, out of order. */
export const SACKED = 1
/** It is taken for lost. */
export const LOST = 2
/** It has been sent again since it was taken for lost. */
export const RESENT = 4
/** It was sent more than once: its acknowledgment says nothing of the round trip (Karn). */
export const AMBIGUOUS = 8

const INITIAL_RECORDS = 8
/** Room for more is given back when a flight is over. */
const KEPT_RECORDS = 1024
/** A peer whose SACK blocks begin and end within segments cannot make more records than this. */
const SPLIT_LIMIT = 8192

/**
 * What has been sent and is not acknowledged, one record for each segment (or super-segment), in order and without gaps, in a ring
 * of integers. It is retransmission queue and SACK scoreboard in one; the bytes themselves are in the send queue.
 */
export class Flight {
  /** Records in use; they are numbered from the oldest, 0. */
  count = 0
  /** Bytes of records that are SACKED; LOST; RESENT. No record is SACKED and LOST. */
  sacked = 0
  lost = 0
  resent = 0
  /** Since `beginAck`: when the latest of the acknowledged records that can be timed was sent, and whether there was one. */
  timedAt = 0
  timed = false
  /** Since `beginAck`: when the latest transmission left that was delivered, and whether one was; for RACK.rtt (RFC 8985). */
  deliveredAt = 0
  delivered = false
  /** Since `beginAck`: a segment that was sent once arrived behind one that was sent after it. */
  reordered = false
  /** Since `beginAck`: segments that were delivered. */
  arrived = 0
  /** Of all transmissions that were delivered, the latest: RACK.xmit_ts and RACK.end_seq; where `hasLatest`. */
  latestAt = 0
  latestEnd = 0
  hasLatest = false
  #words = new Int32Array(INITIAL_RECORDS * STRIDE)
  #mask = INITIAL_RECORDS - 1
  #head = 0
  /** No record before this one is LOST and not RESENT. */
  #resendFrom = 0
  /** Behind the highest byte that was delivered: RACK.fack. */
  #highest = 0
  /** A retransmission that left later than this cannot be what was delivered. */
  #trustUntil = 0
  #segmentSize = 1

  seq(i: number): number {
    return this.#words[this.#at(i) + SEQ]!
  }

  end(i: number): number {
    return this.#words[this.#at(i) + END]!
  }

  length(i: number): number {
    const at = this.#at(i)
    return (this.#words[at + END]! - this.#words[at + SEQ]!) | 0
  }

  /** Time stamp of the last transmission, in the unit of `stampOf`. */
  sentAt(i: number): number {
    return this.#words[this.#at(i) + SENT_AT]!
  }

  flags(i: number): number {
    return this.#words[this.#at(i) + FLAGS]!
  }

  /** Appends the segment `[seq, end)`. */
  push(seq: number, end: number, sentAt: number): void {
    if (this.count > this.#mask) this.#resize(2 * this.#words.length)
    if (this.count === 0) {
      this.hasLatest = false
      this.#highest = seq
    }
    this.#put(this.count++, seq, end, sentAt, 0)
  }

  /** An ACK is about to be looked at; text of a full segment is `segmentSize`. Retransmissions that left later than `trustUntil` are not what it tells of. */
  beginAck(trustUntil: number, segmentSize: number): void {
    this.arrived = 0
    this.#segmentSize = segmentSize
    this.timed = this.delivered = this.reordered = false
    this.#trustUntil = trustUntil
  }

  /** Removes everything before `una`, a record that `una` cuts included as far as that. */
  acknowledge(una: number): void {
    let removed = 0
    while (this.count > 0 && serialLeq(this.end(0), una)) {
      const at = this.#at(0)
      const flags = this.#words[at + FLAGS]!
      this.#account(flags, -this.length(0))
      if ((flags & SACKED) === 0) this.#deliver(at, flags)
      if ((flags & (AMBIGUOUS | SACKED)) === 0) {
        this.timed = true
        this.timedAt = this.#words[at + SENT_AT]!
      }
      this.#head = (this.#head + 1) & this.#mask
      this.count--
      removed++
    }
    if (this.count > 0 && serialLt(this.seq(0), una)) {
      const at = this.#at(0)
      this.#account(this.#words[at + FLAGS]!, (this.#words[at + SEQ]! - una) | 0)
      this.#words[at + SEQ] = una
    }
    this.#resendFrom = Math.max(0, this.#resendFrom - removed)
  }

  /** Marks what lies in `[start, end)` as SACKED, splitting records at the edges; returns the bytes newly marked. */
  sack(start: number, end: number): number {
    let fresh = 0
    for (let i = this.#find(start); i < this.count && serialLt(this.seq(i), end); i++) {
      const cut = serialLt(this.seq(i), start) ? start : serialGt(this.end(i), end) ? end : undefined
      if (cut !== undefined && this.count >= SPLIT_LIMIT) continue
      if (cut !== undefined) this.split(i, cut)
      if (cut === start) continue
      const at = this.#at(i)
      const flags = this.#words[at + FLAGS]!
      if ((flags & SACKED) !== 0) continue
      const length = this.length(i)
      this.#account(flags, -length)
      this.#deliver(at, flags)
      this.#words[at + FLAGS] = (flags & AMBIGUOUS) | SACKED
      this.sacked += length
      fresh += length
    }
    return fresh
  }

  /** Marks record `i` as LOST, to be sent again; nothing where it is SACKED or LOST already. */
  markLost(i: number): void {
    const at = this.#at(i)
    const flags = this.#words[at + FLAGS]!
    if ((flags & (SACKED | LOST)) !== 0) return
    this.#words[at + FLAGS] = flags | LOST
    this.lost += this.length(i)
    if (i < this.#resendFrom) this.#resendFrom = i
  }

  /** As `markLost`, also where what was sent again is lost in its turn. */
  markLostAgain(i: number): void {
    const at = this.#at(i)
    const flags = this.#words[at + FLAGS]!
    if ((flags & RESENT) === 0) {
      this.markLost(i)
      return
    }
    this.#words[at + FLAGS] = flags & ~RESENT
    this.resent -= this.length(i)
    if (i < this.#resendFrom) this.#resendFrom = i
  }

  /** Nothing that has not been sent again counts as LOST any more. */
  unmarkLost(): void {
    for (let i = 0; i < this.count; i++) {
      const at = this.#at(i)
      const flags = this.#words[at + FLAGS]!
      if ((flags & (LOST | RESENT)) !== LOST) continue
      this.#words[at + FLAGS] = flags & ~LOST
      this.lost -= this.length(i)
    }
  }

  /** Takes everything that is not SACKED for lost, retransmissions included; `forgetSacks`: SACKED records too (RFC 2018 §8). */
  markAllLost(forgetSacks: boolean): void {
    this.sacked = this.lost = this.resent = 0
    this.#resendFrom = 0
    for (let i = 0; i < this.count; i++) {
      const at = this.#at(i)
      const flags = this.#words[at + FLAGS]!
      const kept = (flags & SACKED) !== 0 && !forgetSacks ? SACKED : LOST
      this.#words[at + FLAGS] = (flags & AMBIGUOUS) | kept
      this.#account(kept, this.length(i))
    }
  }

  /** The first record that is LOST and not RESENT; -1 where there is none. */
  nextToResend(): number {
    if (this.lost === this.resent) return -1
    let i = this.#resendFrom
    while (i < this.count && (this.flags(i) & (LOST | RESENT)) !== LOST) i++
    this.#resendFrom = i
    return i < this.count ? i : -1
  }

  /** Record `i` has been sent again; it counts as LOST from here on, whatever led to it. */
  markResent(i: number, sentAt: number): void {
    this.markLost(i)
    const at = this.#at(i)
    const flags = this.#words[at + FLAGS]!
    if ((flags & RESENT) === 0) this.resent += this.length(i)
    this.#words[at + FLAGS] = flags | RESENT | AMBIGUOUS
    this.#words[at + SENT_AT] = sentAt
  }

  /** Record `i` has been sent again without being lost. */
  markRepeated(i: number, sentAt: number): void {
    const at = this.#at(i)
    this.#words[at + FLAGS] = this.#words[at + FLAGS]! | AMBIGUOUS
    this.#words[at + SENT_AT] = sentAt
  }

  /** RACK_sent_after: the latest delivered transmission left after that of record `i`. */
  isBeforeLatest(i: number): boolean {
    const at = this.#at(i)
    const age = (this.latestAt - this.#words[at + SENT_AT]!) | 0
    return this.hasLatest && (age > 0 || (age === 0 && serialGt(this.latestEnd, this.#words[at + END]!)))
  }

  /** Cuts record `i` in two at `at`, which lies inside. */
  split(i: number, at: number): void {
    if (this.count > this.#mask) this.#resize(2 * this.#words.length)
    else if (this.#head + this.count > this.#mask) this.#resize(this.#words.length)
    const next = (this.#head + i + 1) * STRIDE
    this.#words.copyWithin(next + STRIDE, next, (this.#head + this.count) * STRIDE)
    this.count++
    const word = this.#at(i)
    const end = this.#words[word + END]!
    this.#words[word + END] = at
    this.#put(i + 1, at, end, this.#words[word + SENT_AT]!, this.#words[word + FLAGS]!)
    if (this.#resendFrom > i) this.#resendFrom++
  }

  /** Makes it what it was at first, but for memory of a usual size. */
  clear(): void {
    this.count = this.sacked = this.lost = this.resent = 0
    this.#head = 0
    this.#resendFrom = 0
    if (this.#words.length <= KEPT_RECORDS * STRIDE) return
    this.#words = new Int32Array(INITIAL_RECORDS * STRIDE)
    this.#mask = INITIAL_RECORDS - 1
  }

  #at(i: number): number {
    return ((this.#head + i) & this.#mask) * STRIDE
  }

  #put(i: number, seq: number, end: number, sentAt: number, flags: number): void {
    const at = this.#at(i)
    this.#words[at + SEQ] = seq
    this.#words[at + END] = end
    this.#words[at + SENT_AT] = sentAt
    this.#words[at + FLAGS] = flags
  }

  /** Steps 2 and 3 of RFC 8985 §6.2 for a record that is delivered. */
  #deliver(at: number, flags: number): void {
    const end = this.#words[at + END]!
    const sentAt = this.#words[at + SENT_AT]!
    const sentOnce = (flags & AMBIGUOUS) === 0
    const length = (end - this.#words[at + SEQ]!) | 0
    this.arrived += length <= this.#segmentSize ? 1 : Math.ceil(length / this.#segmentSize)
    if (serialGt(end, this.#highest)) this.#highest = end
    else if (sentOnce && end !== this.#highest) this.reordered = true
    if (!sentOnce && ((sentAt - this.#trustUntil) | 0) > 0) return
    if (!this.delivered || ((sentAt - this.deliveredAt) | 0) > 0) this.deliveredAt = sentAt
    this.delivered = true
    const later = (sentAt - this.latestAt) | 0
    if (this.hasLatest && (later < 0 || (later === 0 && !serialGt(end, this.latestEnd)))) return
    this.hasLatest = true
    this.latestAt = sentAt
    this.latestEnd = end
  }

  #account(flags: number, bytes: number): void {
    if ((flags & SACKED) !== 0) this.sacked += bytes
    if ((flags & LOST) !== 0) this.lost += bytes
    if ((flags & RESENT) !== 0) this.resent += bytes
  }

  /** The first record that ends behind `seq`. */
  #find(seq: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (serialGt(this.end(middle), seq)) high = middle
      else low = middle + 1
    }
    return low
  }

  /** Moves everything to a ring of `length` words, at least as long as the present one, in which it begins at the front. */
  #resize(length: number): void {
    const words = new Int32Array(length)
    const cut = this.#head * STRIDE
    words.set(this.#words.subarray(cut), 0)
    words.set(this.#words.subarray(0, cut), this.#words.length - cut)
    this.#words = words
    this.#mask = length / STRIDE - 1
    this.#head = 0
  }
}

/** Stamps in a millisecond. */
export const STAMPS_PER_MS = 100

/** A time in ms as a 32-bit stamp of 10 us, which wraps after half a day: only differences count. */
export function stampOf(now: number): number {
  return (now * STAMPS_PER_MS) | 0
}

/** Milliseconds from stamp `a` to stamp `b`. */
export function stampDiff(b: number, a: number): number {
  return ((b - a) | 0) / STAMPS_PER_MS
}

/** `seq` lies in `[start, end)` in sequence space. */
export function seqWithin(seq: number, start: number, end: number): boolean {
  return serialGeq(seq, start) && serialLt(seq, end)
}
