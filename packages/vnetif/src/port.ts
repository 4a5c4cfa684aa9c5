import type { Mac } from '@fata/addr'
import { copyGather, type Gather } from '@fata/bytes'
import {
  checkOffload,
  completeChecksum,
  countDrop,
  createFrameMeta,
  createNetStats,
  type DropCounts,
  type Fill,
  type FrameMeta,
  NetError,
  type NetListener,
  type NetStats,
  type Offload,
  segmentFrame,
} from '@fata/net'
import type { Clock, Random } from '@fata/runtime'
import type { FrameMemory, Slab } from './core/frame-memory.ts'
import { ImpairedLink } from './impaired-link.ts'
import { changeImpairments, type Impairments } from './impairments.ts'
import { Inbox } from './inbox.ts'
import { checkInteger, offloadOf, type PortOptions, portDefaults } from './options.ts'
import type { Direction, VnetPort } from './vnet-port.ts'

/** Takes a frame at `[off..end)` of the slab, of which `junk` bytes at the end are no part; holds the slab if it keeps it. */
export type Forward = (slab: Slab, off: number, end: number, meta: FrameMeta, junk: number) => void

/** What a port is part of. */
export interface PortDeps {
  readonly clock: Clock
  readonly random: Random
  readonly memory: FrameMemory
  readonly medium: 'ethernet' | 'ip'
  readonly mac: Mac | undefined
  readonly onClose: (port: Port) => void
}

const LONGEST_PACKET = 65535
const TCP_DATA_OFFSET = 12

/** The metadata of a complete frame that nobody vouches for. */
const PLAIN: FrameMeta = createFrameMeta()
/** The metadata of a frame whose checksum was completed here. */
export const COMPLETED: FrameMeta = Object.assign(createFrameMeta(), { checksum: 'valid' as const })

/**
 * A device: what is written goes over the tx link to `forward`; what is forwarded to it comes in by `arrive` and goes over the rx link
 * into the inbox. Impaired links carry complete frames only, as wires do.
 */
export class Port implements VnetPort {
  readonly medium: 'ethernet' | 'ip'
  readonly mac: Mac | undefined
  readonly offload: Offload
  readonly stats: NetStats = createNetStats()
  readonly link: VnetPort['link']
  isClosed = false
  /** Set by what the port is part of, before it is used. */
  forward: Forward = () => {}
  readonly #deps: PortDeps
  readonly #header: number
  readonly #tx: ImpairedLink
  readonly #rx: ImpairedLink
  readonly #inbox: Inbox
  #mtu = 0

  constructor(deps: PortDeps, options: PortOptions) {
    const { mtu, offload, queueFrames, queueBytes, tx, rx } = { ...portDefaults, ...options }
    checkInteger('queueFrames', queueFrames, 1, 1 << 20)
    checkInteger('queueBytes', queueBytes, 1, 2 ** 32)
    this.#deps = deps
    this.medium = deps.medium
    this.mac = deps.mac
    this.mtu = mtu
    this.offload = offloadOf(offload)
    this.#header = deps.medium === 'ethernet' ? 14 : 0
    this.#inbox = new Inbox(deps.clock, this.stats, { queueFrames, queueBytes })
    this.#tx = this.#createLink(this.stats.txDropped, (slab, off, end, junk) =>
      this.forward(slab, off, end, PLAIN, junk),
    )
    this.#rx = this.#createLink(this.stats.rxDropped, (slab, off, end) => this.#inbox.push(slab, off, end, PLAIN))
    this.link = { tx: this.#tx.stats, rx: this.#rx.stats }
    this.impair(tx, 'tx')
    this.impair(rx, 'rx')
  }

  #createLink(dropped: DropCounts, emit: (slab: Slab, off: number, end: number, junk: number) => void): ImpairedLink {
    const { clock, random } = this.#deps
    return new ImpairedLink({ clock, random, header: this.#header, dropped, emit })
  }

  get mtu(): number {
    return this.#mtu
  }

  set mtu(mtu: number) {
    checkInteger('mtu', mtu, 68, LONGEST_PACKET)
    this.#mtu = mtu
  }

  /** Frames may arrive with their checksum partial. */
  get takesPartial(): boolean {
    return this.offload.checksum && !this.#rx.isActive
  }

  impair(changes: Impairments, direction: Direction | 'both' = 'both'): void {
    if (!['tx', 'rx', 'both'].includes(direction)) throw new TypeError(`no direction is named '${direction}'`)
    // Both are checked before either is changed.
    const tx = changeImpairments(this.#tx.impairments, changes)
    const rx = changeImpairments(this.#rx.impairments, changes)
    if (direction !== 'rx') this.#tx.impairments = tx
    if (direction !== 'tx') this.#rx.impairments = rx
  }

  write(size: number, fill: Fill, meta?: FrameMeta, payload?: Gather): void {
    if (this.isClosed) throw new NetError('ERR_NET_CLOSED', 'the port is closed')
    const longest = this.#mtu + this.#header
    const room = payload === undefined ? size : size + payload.length
    const { tso4, tso6 } = this.offload
    if (room > (tso4 || tso6 ? LONGEST_PACKET + this.#header : longest)) throw tooLong(room, longest)
    const slab = this.#deps.memory.lend(room)
    const off = slab.start
    try {
      const used = fill(slab.bytes, off)
      if (!(used <= size)) throw new RangeError(`fill wrote ${used} of ${size} bytes`)
      let end = off + used
      if (payload !== undefined) end += copyGather(slab.bytes, end, payload)
      if (meta !== undefined) this.#checkMeta(meta, off, end)
      if (end - off > longest && (meta === undefined || meta.gso === 'none')) throw tooLong(end - off, longest)
      slab.trim(off + room, end)
      this.#transmit(slab, off, end, meta ?? PLAIN)
    } finally {
      slab.release()
    }
  }

  listen(listener: NetListener): void {
    if (!this.isClosed) this.#inbox.listener = listener
  }

  async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.#inbox.listener = undefined
    this.#inbox.clear('closed')
    this.#rx.clear('closed')
    this.#deps.onClose(this)
  }

  /** Takes a frame that was forwarded to this port; completes a partial checksum in place where the device or its link needs it. */
  readonly arrive: Forward = (slab, off, end, meta, junk) => {
    const { rxDropped } = this.stats
    if (this.isClosed) countDrop(rxDropped, 'closed')
    else if (meta.gso !== 'none') this.#arriveSuper(slab, off, end, meta)
    else if (end - off - junk > this.#mtu + this.#header) countDrop(rxDropped, 'too-long')
    else this.#arriveFrame(slab, off, end, meta, junk)
  }

  #arriveFrame(slab: Slab, off: number, end: number, meta: FrameMeta, junk: number): void {
    if (meta.checksum === 'partial' && !this.takesPartial) completeChecksum(slab.bytes, off, end, meta)
    if (this.#rx.isActive) this.#rx.send(slab, off, end, junk)
    else this.#inbox.push(slab, off, end, this.offload.checksum ? meta : PLAIN)
  }

  #arriveSuper(slab: Slab, off: number, end: number, meta: FrameMeta): void {
    const { rxDropped } = this.stats
    const { tso4, tso6 } = this.offload
    const tcp = meta.checksumStart
    const headers = tcp - off + (slab.bytes[tcp + TCP_DATA_OFFSET]! >>> 4) * 4
    if (!(this.takesPartial && (meta.gso === 'tcp4' ? tso4 : tso6)))
      this.#segment(slab, off, end, meta, rxDropped, this.#takeSegment)
    else if (headers + meta.gsoSize > this.#mtu + this.#header) countDrop(rxDropped, 'too-long')
    else this.#inbox.push(slab, off, end, meta)
  }

  #checkMeta(meta: FrameMeta, off: number, end: number): void {
    checkOffload(meta, this.offload)
    if (meta.checksum !== 'partial') return
    const { checksumStart, checksumOffset } = meta
    if (!(checksumStart >= off && checksumOffset >= 0 && checksumStart + checksumOffset + 2 <= end))
      throw new TypeError('the metadata points outside of the frame')
  }

  #transmit(slab: Slab, off: number, end: number, meta: FrameMeta): void {
    const { txDropped } = this.stats
    if (end - off < Math.max(1, this.#header)) {
      countDrop(txDropped, 'too-short')
    } else if (!this.#tx.isActive) {
      this.#countSent(end - off)
      this.forward(slab, off, end, meta, 0)
    } else if (meta.gso !== 'none') {
      this.#segment(slab, off, end, meta, txDropped, this.#sendSegment)
    } else {
      if (meta.checksum === 'partial') completeChecksum(slab.bytes, off, end, meta)
      this.#send(slab, off, end)
    }
  }

  #send(slab: Slab, off: number, end: number): void {
    if (this.#tx.send(slab, off, end, 0)) this.#countSent(end - off)
  }

  #countSent(length: number): void {
    this.stats.txFrames++
    this.stats.txBytes += length
  }

  #segment(
    slab: Slab,
    off: number,
    end: number,
    meta: FrameMeta,
    dropped: DropCounts,
    take: (size: number, fill: Fill) => void,
  ): void {
    const result = segmentFrame(slab.bytes, off, end, off + this.#header, meta, take)
    if (typeof result === 'string') countDrop(dropped, 'bad-offload')
  }

  readonly #sendSegment = (size: number, fill: Fill): void => {
    const slab = this.#deps.memory.lend(size)
    const off = slab.start
    this.#send(slab, off, off + fill(slab.bytes, off))
    slab.release()
  }

  readonly #takeSegment = (size: number, fill: Fill): void => {
    const slab = this.#deps.memory.lend(size)
    const off = slab.start
    this.arrive(slab, off, off + fill(slab.bytes, off), COMPLETED, 0)
    slab.release()
  }
}

function tooLong(length: number, longest: number): NetError {
  return new NetError('ERR_NET_FRAME_TOO_LONG', `a frame of ${length} bytes exceeds ${longest}`)
}
