import { countDrop, createFrameMeta, type NetListener, type NetStats, resetFrameMeta } from '@fata/net'
import type { FrameLayout } from './layout.ts'
import type { Native } from './native.ts'
import { createSlab } from './slab.ts'
import { decodeVnetHeader } from './wire/vnet-header.ts'

/** Frames of one batch. */
const FRAMES = 64
/** Super-frames of one batch: more would not stay inside the second-level cache, which halves the throughput. */
const SUPER_FRAMES = 8
const ALIGNMENT = 8

/** What the receiver needs of the device. */
export interface ReceiverHost {
  readonly native: Native
  readonly fd: number
  readonly layout: FrameLayout
  readonly stats: NetStats
  /** Who takes frames at this moment. */
  listener(): NetListener | undefined
}

/** Reads what is ready, up to one batch, with one native call, and delivers it. */
export class Receiver {
  readonly #host: ReceiverHost
  readonly #slab: Uint8Array
  readonly #descriptors = new Int32Array(2 * FRAMES)
  readonly #meta = createFrameMeta()
  readonly #room: number

  constructor(host: ReceiverHost) {
    this.#host = host
    const { header, longest, lead } = host.layout
    // Room for the longest frame always, since the MTU may grow at any time and the kernel cuts off what does not fit.
    this.#room = (header + longest + ALIGNMENT - 1) & -ALIGNMENT
    this.#slab = createSlab(SUPER_FRAMES * (lead + this.#room))
  }

  /** Returns the number of frames, or `-errno`. */
  receive(): number {
    const { native, fd, layout } = this.#host
    const n = native.read(fd, this.#slab, this.#descriptors, layout.lead, this.#room)
    for (let i = 0; i < n; i++) {
      const off = this.#descriptors[2 * i]!
      this.#deliver(off, off + this.#descriptors[2 * i + 1]!)
    }
    return n
  }

  #deliver(header: number, end: number): void {
    const { layout, stats } = this.#host
    const listener = this.#host.listener()
    const off = header + layout.header
    const refusal = listener === undefined ? 'no-listener' : this.#read(header, off, end)
    if (refusal !== undefined) {
      countDrop(stats.rxDropped, refusal)
      return
    }
    stats.rxFrames++
    stats.rxBytes += end - off
    listener!.frame(this.#slab, off, end, this.#meta)
  }

  /** Reads the virtio_net_hdr, if there is one, into the metadata. Returns why the frame cannot be delivered. */
  #read(header: number, off: number, end: number): string | undefined {
    const { layout } = this.#host
    if (end - off < layout.shortest) return 'too-short'
    if (layout.header > 0) return decodeVnetHeader(this.#slab, header, end, this.#meta)
    resetFrameMeta(this.#meta)
    return undefined
  }
}
