import { countDrop, createFrameMeta, type FrameMeta, type NetListener, type NetStats } from '@fata/net'
import type { Clock } from '@fata/runtime'
import type { Slab } from './core/frame-memory.ts'
import { copyMeta, FrameQueue } from './core/frame-queue.ts'

export interface InboxLimits {
  readonly queueFrames: number
  readonly queueBytes: number
}

/** Frames that have arrived at a device: they wait for a task of their own, in which the listener gets all of them as one batch. */
export class Inbox {
  listener: NetListener | undefined
  readonly #clock: Clock
  readonly #stats: NetStats
  readonly #limits: InboxLimits
  readonly #queue = new FrameQueue()
  readonly #meta = createFrameMeta()
  #isScheduled = false
  #isDelivering = false

  constructor(clock: Clock, stats: NetStats, limits: InboxLimits) {
    this.#clock = clock
    this.#stats = stats
    this.#limits = limits
  }

  /** Queues a frame, by reference, or drops it as `queue-full`. */
  push(slab: Slab, off: number, end: number, meta: FrameMeta): void {
    const { queueFrames, queueBytes } = this.#limits
    if (this.#queue.length >= queueFrames || this.#queue.bytes + end - off > queueBytes) {
      countDrop(this.#stats.rxDropped, 'queue-full')
      return
    }
    this.#queue.push(slab, off, end, meta)
    this.#schedule()
  }

  /** Drops what waits, as `reason`. */
  clear(reason: string): void {
    for (let frame = this.#queue.shift(); frame !== undefined; frame = this.#queue.shift()) {
      countDrop(this.#stats.rxDropped, reason)
      frame.slab!.release()
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#clock.defer(this.#deliver)
  }

  readonly #deliver = (): void => {
    this.#isScheduled = false
    // A listener that moves virtual time comes here again; the outer call takes care of what is left.
    if (this.#isDelivering) return
    this.#isDelivering = true
    let last: NetListener | undefined
    try {
      // What arrives meanwhile belongs to the next batch: two listeners that answer each other must not keep out everybody else.
      for (let n = this.#queue.length; n > 0; n--) last = this.#deliverFirst() ?? last
    } finally {
      this.#isDelivering = false
      if (this.#queue.length > 0) this.#schedule()
    }
    if (last !== undefined && last === this.listener) last.batchEnd?.()
  }

  #deliverFirst(): NetListener | undefined {
    const frame = this.#queue.shift()
    if (frame === undefined) return undefined
    const { off, end } = frame
    const slab = frame.slab!
    frame.slab = undefined
    const { listener } = this
    try {
      if (listener === undefined) {
        countDrop(this.#stats.rxDropped, 'no-listener')
        return undefined
      }
      this.#stats.rxFrames++
      this.#stats.rxBytes += end - off
      copyMeta(this.#meta, frame.meta)
      listener.frame(slab.bytes, off, end, this.#meta)
      return listener
    } finally {
      slab.release()
    }
  }
}
