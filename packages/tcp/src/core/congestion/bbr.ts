import { serialGt } from '@fata/bytes'
import type { AckSample, Congestion } from './congestion.ts'
import { MaxFilter } from './max-filter.ts'

/** 2 / ln 2: the least gain that doubles the rate every round trip. */
const HIGH_GAIN = 2.885
const DRAIN_GAIN = 1 / HIGH_GAIN
const CWND_GAIN = 2
const CYCLE = [1.25, 0.75, 1, 1, 1, 1, 1, 1] as const
/** Where a cycle begins: neither probing nor draining. */
const CRUISE = 2
const BANDWIDTH_ROUNDS = 10
const RTPROP_MS = 10_000
const PROBE_RTT_MS = 200
const LEAST_SEGMENTS = 4
/** STARTUP is over when this many rounds have not brought this much more. */
const FULL_ROUNDS = 3
const FULL_GROWTH = 1.25
/** Segments that acknowledgments which come together may need beyond the product of bandwidth and delay. */
const AGGREGATE_SEGMENTS = 3

type Mode = 'startup' | 'drain' | 'probe-bw' | 'probe-rtt'

/**
 * BBR, draft-cardwell-iccrg-bbr-congestion-control-00: sends at the rate at which data has been delivered, and keeps about as much in
 * flight as the path holds, whatever is lost.
 *
 *     startup --(rate does not grow)--> drain --(queue is gone)--> probe-bw <--(10 s without a shorter round trip)--> probe-rtt
 *
 * Differs from the draft in: a cycle begins at the same phase always; recovery is RFC 6937's towards the window as it was; there is no
 * long-term estimate for policers.
 */
export class Bbr implements Congestion {
  readonly name = 'bbr'
  cwnd = 0
  ssthresh = 0x7fffffff
  readonly #initialSegments: number
  readonly #bandwidth = new MaxFilter(BANDWIDTH_ROUNDS)
  #mode: Mode = 'startup'
  #pacingGain = HIGH_GAIN
  #cwndGain = HIGH_GAIN
  #round = 0
  /** The round ends when this is acknowledged; undefined before the first. */
  #roundEnd: number | undefined
  #rtPropMs: number = Number.POSITIVE_INFINITY
  #rtPropAt = 0
  #fullRate = 0
  #fullRounds = 0
  #isFull = false
  #phase = CRUISE
  #phaseAt = 0
  /** PROBE_RTT ends then; NaN while the queue empties. */
  #probeRttEnd = Number.NaN
  /** The window to come back to. */
  #priorCwnd = 0

  constructor(initialSegments: number) {
    this.#initialSegments = initialSegments
  }

  get pacingRate(): number {
    const rate = this.#bandwidth.value
    return rate === 0 ? Number.POSITIVE_INFINITY : this.#pacingGain * rate
  }

  onEstablished(mss: number, lostSyn: boolean): void {
    this.cwnd = lostSyn ? mss : this.#initialSegments * mss
  }

  onAck(ack: Readonly<AckSample>): void {
    const begins = this.#countRound(ack)
    if (ack.rate > 0 && (!ack.appLimited || ack.rate >= this.#bandwidth.value))
      this.#bandwidth.add(ack.rate, this.#round)
    const expired = this.#updateRtProp(ack)
    if (begins && !ack.appLimited) this.#checkFull()
    this.#move(ack, begins, expired)
    this.#setWindow(ack)
  }

  onLoss(): void {
    this.#saveWindow()
    this.ssthresh = this.cwnd
  }

  onTimeout(_flight: number, mss: number, _now: number, again: boolean): void {
    if (!again) this.#saveWindow()
    this.cwnd = mss
  }

  onUndo(): void {
    this.cwnd = Math.max(this.cwnd, this.#priorCwnd)
  }

  /** What is sent is paced: no burst can come. */
  onIdle(): void {}

  #countRound(ack: Readonly<AckSample>): boolean {
    if (this.#roundEnd !== undefined && !serialGt(ack.una, this.#roundEnd)) return false
    this.#roundEnd = ack.next
    this.#round++
    return true
  }

  /** Returns whether the estimate is too old. */
  #updateRtProp({ rttMs, now }: Readonly<AckSample>): boolean {
    const expired = this.#rtPropMs !== Number.POSITIVE_INFINITY && now - this.#rtPropAt > RTPROP_MS
    if (!Number.isNaN(rttMs) && (rttMs <= this.#rtPropMs || expired)) {
      this.#rtPropMs = rttMs
      this.#rtPropAt = now
    }
    return expired
  }

  #checkFull(): void {
    if (this.#isFull) return
    if (this.#bandwidth.value >= this.#fullRate * FULL_GROWTH) {
      this.#fullRate = this.#bandwidth.value
      this.#fullRounds = 0
    } else if (++this.#fullRounds >= FULL_ROUNDS) {
      this.#isFull = true
    }
  }

  #move(ack: Readonly<AckSample>, begins: boolean, expired: boolean): void {
    if (this.#mode === 'startup' && this.#isFull) this.#enter('drain', DRAIN_GAIN, HIGH_GAIN)
    if (this.#mode === 'drain' && ack.inFlight <= this.#inflight(1)) this.#enterProbeBw(ack.now)
    if (this.#mode === 'probe-bw') this.#cycle(ack)
    if (this.#mode !== 'probe-rtt' && expired) {
      this.#saveWindow()
      this.#enter('probe-rtt', 1, 1)
      this.#probeRttEnd = Number.NaN
    }
    if (this.#mode === 'probe-rtt') this.#probeRtt(ack, begins)
  }

  #enter(mode: Mode, pacingGain: number, cwndGain: number): void {
    this.#mode = mode
    this.#pacingGain = pacingGain
    this.#cwndGain = cwndGain
  }

  #enterProbeBw(now: number): void {
    this.#phase = CRUISE
    this.#phaseAt = now
    this.#enter('probe-bw', CYCLE[CRUISE], CWND_GAIN)
  }

  /** Every round trip the next gain; more is held until it fills the path, less until the queue is gone. */
  #cycle(ack: Readonly<AckSample>): void {
    const passed = ack.now - this.#phaseAt > this.#rtPropMs
    const gain = this.#pacingGain
    const over = gain > 1 ? passed && (ack.recovering || ack.inFlight >= this.#inflight(gain)) : passed
    if (!over && !(gain < 1 && ack.inFlight <= this.#inflight(1))) return
    this.#phase = (this.#phase + 1) % CYCLE.length
    this.#phaseAt = ack.now
    this.#pacingGain = CYCLE[this.#phase]!
  }

  #probeRtt(ack: Readonly<AckSample>, begins: boolean): void {
    if (Number.isNaN(this.#probeRttEnd)) {
      if (ack.inFlight <= LEAST_SEGMENTS * ack.mss) this.#probeRttEnd = ack.now + PROBE_RTT_MS
      return
    }
    if (!begins || ack.now < this.#probeRttEnd) return
    this.#rtPropAt = ack.now
    this.cwnd = Math.max(this.cwnd, this.#priorCwnd)
    if (this.#isFull) this.#enterProbeBw(ack.now)
    else this.#enter('startup', HIGH_GAIN, HIGH_GAIN)
  }

  /** Bytes in flight at `gain` times what the path holds. */
  #inflight(gain: number): number {
    if (this.#rtPropMs === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY
    return gain * this.#bandwidth.value * this.#rtPropMs
  }

  #saveWindow(): void {
    this.#priorCwnd = this.#mode === 'probe-rtt' ? Math.max(this.#priorCwnd, this.cwnd) : this.cwnd
  }

  #setWindow({ acked, mss, recovering }: Readonly<AckSample>): void {
    const least = LEAST_SEGMENTS * mss
    if (!recovering) {
      const target = this.#inflight(this.#cwndGain) + AGGREGATE_SEGMENTS * mss
      if (this.#isFull) this.cwnd = Math.min(this.cwnd + acked, target)
      else if (this.cwnd < target) this.cwnd += acked
      this.cwnd = Math.floor(Math.max(this.cwnd, least))
    }
    if (this.#mode === 'probe-rtt') this.cwnd = Math.min(this.cwnd, least)
  }
}
