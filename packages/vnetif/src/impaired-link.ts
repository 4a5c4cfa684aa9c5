import { copyBytes } from '@fata/bytes'
import { countDrop, type DropCounts } from '@fata/net'
import type { Clock, Random, Timer } from '@fata/runtime'
import { DelayLine } from './core/delay-line.ts'
import { FrameMemory, type Slab } from './core/frame-memory.ts'
import { LinkModel, type LinkStats } from './core/link-model.ts'
import type { Impairments } from './impairments.ts'

/** Takes a frame at `[off..end)` of the slab, whose last `junk` bytes are no part of it; holds the slab if it keeps it. */
export type Emit = (slab: Slab, off: number, end: number, junk: number) => void

/** Delayed frames are copied here, so that a slow link does not keep hold of the memory of fast ones. */
const SLAB_BYTES = 128 * 1024

export interface LinkDeps {
  readonly clock: Clock
  readonly random: Random
  /** Bytes in front of the IP packet. */
  readonly header: number
  readonly dropped: DropCounts
  readonly emit: Emit
}

/** One direction of a link: what it takes comes out of `emit` as its impairments will have it. */
export class ImpairedLink {
  readonly #deps: LinkDeps
  readonly #model: LinkModel
  readonly #line = new DelayLine()
  #memory: FrameMemory | undefined
  #timer: Timer | undefined
  #armedAt = Number.POSITIVE_INFINITY

  constructor(deps: LinkDeps) {
    this.#deps = deps
    this.#model = new LinkModel(deps.random)
  }

  /** Frames must go through `send`: the link is impaired, or frames from when it was are on their way. */
  isActive = false

  get stats(): LinkStats {
    return this.#model.stats
  }

  get impairments(): Required<Impairments> {
    return this.#model.impairments
  }

  set impairments(impairments: Required<Impairments>) {
    this.#model.impairments = impairments
    this.#updateActive()
  }

  /** Takes a complete frame. False where it is dropped, which has been counted. */
  send(slab: Slab, off: number, end: number, junk: number): boolean {
    const refusal = this.#model.refuse(end - off - junk - this.#deps.header)
    if (refusal !== undefined) {
      countDrop(this.#deps.dropped, refusal)
      return false
    }
    const twice = this.#model.duplicates()
    const taken = this.#carry(slab, off, end, junk)
    if (twice) this.#carry(slab, off, end, junk)
    return taken
  }

  /** Drops what is on its way. */
  clear(reason: string): void {
    this.#timer?.cancel()
    this.#armedAt = Number.POSITIVE_INFINITY
    for (let frame = this.#line.shift(); frame !== undefined; frame = this.#line.shift()) {
      countDrop(this.#deps.dropped, reason)
      frame.slab!.release()
    }
    this.#updateActive()
  }

  #carry(slab: Slab, off: number, end: number, junk: number): boolean {
    const { clock, dropped, emit } = this.#deps
    const now = clock.now()
    const due = this.#model.arrival(now, end - off)
    if (due === -1) {
      countDrop(dropped, 'queue-full')
      return false
    }
    const bit = this.#model.corruptBit(end - off)
    const trailing = this.#model.trailingBytes()
    if (due <= now && this.#line.nextAt > now) {
      if (bit === -1 && trailing === 0) {
        emit(slab, off, end, junk)
        return true
      }
      const copy = this.#copy(slab, off, end, bit, trailing)
      emit(copy, copy.start, copy.start + end - off + trailing, junk + trailing)
      copy.release()
      return true
    }
    if (this.#line.length >= this.#model.impairments.flightFrames) {
      countDrop(dropped, 'flight-full')
      return false
    }
    const copy = this.#copy(slab, off, end, bit, trailing)
    this.#line.push(due, copy, copy.start, copy.start + end - off + trailing, junk + trailing)
    this.isActive = true
    this.#arm()
    return true
  }

  #copy(slab: Slab, off: number, end: number, bit: number, trailing: number): Slab {
    this.#memory ??= new FrameMemory(this.#deps.header === 0 ? 0 : 2, SLAB_BYTES)
    const copy = this.#memory.lend(end - off + trailing)
    const { bytes, start } = copy
    copyBytes(bytes, start, slab.bytes, off, end)
    if (bit !== -1) bytes[start + (bit >>> 3)]! ^= 1 << (bit & 7)
    for (let i = start + end - off; i < start + end - off + trailing; i++) bytes[i] = this.#model.junkByte()
    return copy
  }

  #arm(): void {
    const at = this.#line.nextAt
    if (at >= this.#armedAt) return
    this.#timer?.cancel()
    this.#armedAt = at
    this.#timer = this.#deps.clock.schedule(at, this.#expire)
  }

  readonly #expire = (): void => {
    this.#armedAt = Number.POSITIVE_INFINITY
    const now = this.#deps.clock.now()
    while (this.#line.nextAt <= now) {
      const frame = this.#line.shift()!
      const slab = frame.slab!
      frame.slab = undefined
      this.#deps.emit(slab, frame.off, frame.end, frame.junk)
      slab.release()
    }
    this.#updateActive()
    this.#arm()
  }

  #updateActive(): void {
    this.isActive = !this.#model.isPerfect || this.#line.length > 0
  }
}
