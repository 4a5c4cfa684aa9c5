import { copyGather, type Gather } from '@fata/bytes'
import { checkOffload, countDrop, type Fill, type FrameMeta, NetError, type NetStats, type Offload } from '@fata/net'
import { EAGAIN, EIO, meansGone } from './errno.ts'
import { FrameQueue } from './frame-queue.ts'
import type { FrameLayout } from './layout.ts'
import { MAX_BUFFERS, MAX_RANGES, type Native } from './native.ts'
import { createSlab } from './slab.ts'
import { encodeVnetHeader } from './wire/vnet-header.ts'

/** Frames of one native call. With 1500-byte frames their memory stays inside the second-level cache. */
const FRAMES = 64
const SLAB = 0x8_0000
/** Shorter payload is copied, which costs no more than a reference to it. */
const COPY_BELOW = 256
const ALIGNMENT = 8
/** Words of a frame in `commands`, and of each of its ranges. */
const WORDS = 3

const NOTHING = new Uint8Array(0)

/** What the transmitter needs of the device. */
export interface TransmitterHost {
  readonly native: Native
  readonly fd: number
  readonly layout: FrameLayout
  readonly offload: Offload
  readonly stats: NetStats
  /** Longest frame of the moment that is no super-frame. */
  longestFrame(buf: Uint8Array, off: number): number
  /** Frames have been written: `flush` must be called before the current task is over. */
  written(): void
  /** Frames wait: `drain` must be called when the descriptor is writable. */
  blocked(): void
  /** Frames have been taken. */
  taken(): void
  /** The interface refused a frame with this errno: EIO where it is down, EBADFD where it is gone. */
  refused(errno: number): void
}

/**
 * Collects frames and hands them to the kernel, many with one native call. Frames are filled into a slab; the ranges of their payload
 * are taken by reference and read by `flush`, or copied where they are short or many.
 */
export class Transmitter {
  readonly #host: TransmitterHost
  readonly #slab = createSlab(SLAB)
  readonly #commands = new Int32Array(1 + FRAMES * WORDS * (1 + MAX_RANGES))
  readonly #buffers: Uint8Array[] = new Array<Uint8Array>(MAX_BUFFERS).fill(NOTHING)
  readonly #queue: FrameQueue
  #at = 0
  #word = 1
  #frames = 0
  #bytes = 0
  #bufferCount = 0

  constructor(host: TransmitterHost, queueBytes: number) {
    this.#host = host
    this.#queue = new FrameQueue(queueBytes)
  }

  /** No frame waits for the kernel. */
  get isIdle(): boolean {
    return this.#frames === 0 && this.#queue.isEmpty
  }

  /** `Net.write`. */
  write(size: number, fill: Fill, meta: FrameMeta | undefined, payload: Gather | undefined): void {
    const { layout, offload } = this.#host
    const rest = payload === undefined ? 0 : payload.length
    if (size + rest > layout.longest)
      throw new NetError('ERR_NET_FRAME_TOO_LONG', `a frame of ${size + rest} bytes exceeds ${layout.longest}`)
    const copied = rest < COPY_BELOW || payload!.count > MAX_RANGES
    this.#reserve(copied ? size + rest : size, copied ? 0 : payload!.count)
    const slab = this.#slab
    const header = this.#at + layout.lead
    const off = header + layout.header
    const used = fill(slab, off)
    if (!(used >= 0 && used <= size)) throw new RangeError(`fill wrote ${used} of ${size} bytes`)
    this.#check(slab, off, used + rest, meta)
    if (meta !== undefined) checkOffload(meta, offload)
    const end = off + used + (copied && payload !== undefined ? copyGather(slab, off + used, payload) : 0)
    if (layout.header > 0) encodeVnetHeader(slab, header, end, meta)
    this.#push(header, end, copied ? undefined : payload)
    this.#bytes += used + rest
    if (++this.#frames === 1) this.#host.written()
  }

  #check(slab: Uint8Array, off: number, length: number, meta: FrameMeta | undefined): void {
    const { layout } = this.#host
    const longest =
      meta === undefined || meta.gso === 'none' ? this.#host.longestFrame(slab, off) : layout.longestSuperFrame
    if (length > longest) throw new NetError('ERR_NET_FRAME_TOO_LONG', `a frame of ${length} bytes exceeds ${longest}`)
  }

  /** Makes sure of room for a frame with `bytes` in the slab and `ranges` elsewhere. */
  #reserve(bytes: number, ranges: number): void {
    const { lead, header } = this.#host.layout
    const full =
      this.#frames === FRAMES || this.#at + lead + header + bytes > SLAB || this.#bufferCount + ranges > MAX_BUFFERS
    if (full) this.flush()
  }

  #push(off: number, end: number, payload: Gather | undefined): void {
    const commands = this.#commands
    let w = this.#word
    commands[w] = off
    commands[w + 1] = end - off
    commands[w + 2] = payload === undefined ? 0 : payload.count
    w += WORDS
    if (payload !== undefined) {
      for (let i = 0; i < payload.count; i++, w += WORDS) {
        commands[w] = this.#bufferIndex(payload.bufs[i]!)
        commands[w + 1] = payload.offs[i]!
        commands[w + 2] = payload.ends[i]! - payload.offs[i]!
      }
    }
    this.#word = w
    this.#at = (end + ALIGNMENT - 1) & -ALIGNMENT
  }

  #bufferIndex(buf: Uint8Array): number {
    const last = this.#bufferCount - 1
    if (last >= 0 && this.#buffers[last] === buf) return last
    this.#buffers[this.#bufferCount] = buf
    return this.#bufferCount++
  }

  /** Hands everything to the kernel, or to the queue. Nothing is referenced afterwards. */
  flush(): void {
    if (this.#frames === 0) return
    if (this.#queue.isEmpty) this.#send()
    else this.#enqueue(1, this.#frames)
    this.#at = 0
    this.#word = 1
    this.#frames = 0
    this.#bytes = 0
    for (let i = 0; i < this.#bufferCount; i++) this.#buffers[i] = NOTHING
    this.#bufferCount = 0
  }

  #send(): void {
    const { native, fd, stats } = this.#host
    let word = 1
    let left = this.#frames
    while (left > 0) {
      const sent = native.write(fd, this.#slab, this.#commands, word, left, this.#buffers, this.#bufferCount)
      if (sent === this.#frames) {
        stats.txFrames += sent
        stats.txBytes += this.#bytes
      } else {
        for (let i = 0; i < sent; i++) word = this.#countSent(word)
      }
      left -= sent
      if (sent > 0) this.#host.taken()
      if (left > 0) {
        left -= this.#stopped(word, left)
        word = this.#next(word)
      }
    }
  }

  /** The frame at `word` was not taken; finds a place for it, or for all that are left. Returns how many it was. */
  #stopped(word: number, left: number): number {
    const errno = this.#commands[0]!
    if (errno === EAGAIN) {
      this.#enqueue(word, left)
      return left
    }
    const reason = this.#refuse(errno)
    const dropped = reason === 'device-error' ? 1 : left
    for (let i = 0; i < dropped; i++) countDrop(this.#host.stats.txDropped, reason)
    return dropped
  }

  /** Where the frame behind the one at `word` is described. */
  #next(word: number): number {
    return word + WORDS * (1 + this.#commands[word + 2]!)
  }

  /** Length of the frame at `word`, with the header before it. */
  #lengthAt(word: number): number {
    let length = this.#commands[word + 1]!
    for (let i = 1; i <= this.#commands[word + 2]!; i++) length += this.#commands[word + WORDS * i + 2]!
    return length
  }

  #countSent(word: number): number {
    const { stats, layout } = this.#host
    stats.txFrames++
    stats.txBytes += this.#lengthAt(word) - layout.header
    return this.#next(word)
  }

  #refuse(errno: number): string {
    this.#host.refused(errno)
    if (errno === EIO) return 'interface-down'
    return meansGone(errno) ? 'interface-gone' : 'device-error'
  }

  /** Copies frames from `word` on to the queue: their payload may change when the task is over. */
  #enqueue(word: number, frames: number): void {
    const commands = this.#commands
    let at = word
    for (let i = 0; i < frames; i++) {
      const ranges = commands[at + 2]!
      if (this.#queue.begin(this.#lengthAt(at))) {
        this.#queue.append(this.#slab, commands[at]!, commands[at]! + commands[at + 1]!)
        for (let r = 1; r <= ranges; r++) {
          const w = at + WORDS * r
          this.#queue.append(this.#buffers[commands[w]!]!, commands[w + 1]!, commands[w + 1]! + commands[w + 2]!)
        }
      } else {
        countDrop(this.#host.stats.txDropped, 'queue-full')
      }
      at = this.#next(at)
    }
    if (!this.#queue.isEmpty) this.#host.blocked()
  }

  /** Hands waiting frames to the kernel. True when none is left. */
  drain(): boolean {
    const { native, fd, stats, layout } = this.#host
    while (!this.#queue.isEmpty) {
      const commands = new Int32Array(1 + FRAMES * WORDS)
      let frames = 0
      this.#queue.peek(FRAMES, (offset, length) => {
        commands[1 + WORDS * frames] = offset
        commands[2 + WORDS * frames] = length
        frames++
      })
      const sent = native.write(fd, this.#queue.bytes, commands, 1, frames, [], 0)
      for (let i = 0; i < sent; i++) {
        stats.txFrames++
        stats.txBytes += this.#queue.shift() - layout.header
      }
      if (sent === frames) continue
      if (commands[0] === EAGAIN) return false
      const reason = this.#refuse(commands[0]!)
      if (reason !== 'device-error') this.dropQueue(reason)
      else {
        this.#queue.shift()
        countDrop(stats.txDropped, reason)
      }
    }
    return true
  }

  /** Gives up what waits. */
  dropQueue(reason: string): void {
    for (; !this.#queue.isEmpty; this.#queue.shift()) countDrop(this.#host.stats.txDropped, reason)
  }
}
