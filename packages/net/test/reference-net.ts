import { mac } from '@fata/addr'
import { copyGather, type Gather } from '@fata/bytes'
import type { NetEnds } from '../src/conformance.ts'
import {
  checkOffload,
  countDrop,
  createFrameMeta,
  createNetStats,
  type FrameMeta,
  type Net,
  NetError,
  type NetListener,
  NO_OFFLOAD,
  type Offload,
} from '../src/index.ts'

/** One way each to break the contract. */
export type Fault =
  | 'no-mac'
  | 'lends-too-little'
  | 'fills-late'
  | 'sends-size'
  | 'trusts-fill'
  | 'payload-behind-size'
  | 'keeps-payload'
  | 'reverses'
  | 'forgets-header-in-mtu'
  | 'counts-asked-size'
  | 'truncates'
  | 'no-batch-end'
  | 'needs-batch-end'
  | 'keeps-for-listener'
  | 'first-listener-stays'
  | 'synchronous'
  | 'locks-while-delivering'
  | 'counts-no-reception'
  | 'writes-when-closed'
  | 'rejects-second-close'
  | 'close-forgets-sent'
  | 'delivers-when-closed'
  | 'finishes-batch-when-closed'
  | 'forgets-partial'
  | 'takes-any-meta'
  | 'forgets-gso4'
  | 'forgets-gso6'
  | 'no-super-limit'

export const ALL_OFFLOADS: Offload = { checksum: true, tso4: true, tso6: true }

interface Pending {
  bytes: Uint8Array
  meta: FrameMeta
  payload: Gather | undefined
}

interface ReferenceOptions {
  readonly medium: 'ethernet' | 'ip'
  readonly offload?: Offload
  readonly fault?: Fault | undefined
}

class ReferenceNet implements Net {
  readonly medium: 'ethernet' | 'ip'
  readonly mac: Net['mac']
  readonly mtu = 1500
  readonly offload: Offload
  readonly stats = createNetStats()
  peer!: ReferenceNet
  readonly #fault: Fault | undefined
  readonly #longest: number
  readonly #lent = new Uint8Array(70_000).fill(0xa5)
  #arrived: Pending[] = []
  #listener: NetListener | undefined
  #closed = false
  #delivering = false

  constructor({ medium, offload = NO_OFFLOAD, fault }: ReferenceOptions, address: string) {
    this.medium = medium
    this.mac = medium === 'ip' || fault === 'no-mac' ? undefined : mac(address)
    this.offload = offload
    this.#fault = fault
    this.#longest = this.mtu + (medium === 'ethernet' && fault !== 'forgets-header-in-mtu' ? 14 : 0)
  }

  write(size: number, fill: (buf: Uint8Array, off: number) => number, meta?: FrameMeta, payload?: Gather): void {
    const fault = this.#fault
    if (this.#closed && fault !== 'writes-when-closed') throw new NetError('ERR_NET_CLOSED', 'closed')
    if (this.#delivering && fault === 'locks-while-delivering') return
    if (fault === 'fills-late') {
      this.peer.#enqueueLater(() => this.#frame(size, fill, meta, payload))
      return
    }
    this.peer.#enqueue(this.#frame(size, fill, meta, payload), fault)
  }

  #frame(size: number, fill: (buf: Uint8Array, off: number) => number, meta?: FrameMeta, payload?: Gather): Pending {
    const fault = this.#fault
    const lent = fault === 'lends-too-little' ? this.#lent.subarray(0, 10 + size - 1) : this.#lent
    const used = fill(lent, 10)
    if (used > size && fault !== 'trusts-fill') throw new RangeError('fill claims more than size')
    if (meta !== undefined && fault !== 'takes-any-meta') checkOffload(meta, this.offload)
    const head = fault === 'sends-size' || fault === 'payload-behind-size' ? size : used
    const length = (fault === 'sends-size' ? size : used) + (payload?.length ?? 0)
    const most = meta === undefined || meta.gso === 'none' ? this.#longest : 65535 + this.#longest - this.mtu
    if (length > most && !(fault === 'no-super-limit' && meta?.gso !== undefined && meta.gso !== 'none'))
      throw new NetError('ERR_NET_FRAME_TOO_LONG', 'too long')
    const bytes = new Uint8Array(length)
    bytes.set(lent.subarray(10, 10 + Math.min(head, length)))
    const isLate = fault === 'keeps-payload'
    if (payload !== undefined && !isLate) {
      if (head + payload.length <= length) copyGather(bytes, head, payload)
    }
    this.stats.txFrames++
    this.stats.txBytes += fault === 'counts-asked-size' ? size : length
    const sent = { ...(meta ?? createFrameMeta()) }
    if (sent.checksum === 'partial') sent.checksumStart -= 10
    return { bytes, meta: sent, payload: isLate ? payload : undefined }
  }

  listen(listener: NetListener): void {
    if (this.#fault === 'first-listener-stays') this.#listener ??= listener
    else this.#listener = listener
  }

  async close(): Promise<void> {
    if (this.#closed && this.#fault === 'rejects-second-close') throw new Error('closed already')
    this.#closed = true
    if (this.#fault === 'close-forgets-sent') this.peer.#arrived = []
  }

  readonly #later: (() => Pending)[] = []

  #enqueueLater(make: () => Pending): void {
    this.#later.push(make)
  }

  #enqueue(pending: Pending, fault: Fault | undefined): void {
    if (fault === 'reverses') this.#arrived.unshift(pending)
    else this.#arrived.push(pending)
    if (fault === 'synchronous') this.deliver()
  }

  /** Hands over what has arrived, as one batch; says whether there was anything. */
  deliver(): boolean {
    const fault = this.#fault
    for (const make of this.#later.splice(0)) this.#arrived.push(make())
    if (fault === 'keeps-for-listener' && this.#listener === undefined) return false
    const batch = this.#arrived
    this.#arrived = []
    this.#delivering = true
    for (const [i, { bytes, meta, payload }] of batch.entries()) {
      if (this.#closed && fault !== 'delivers-when-closed' && !(fault === 'finishes-batch-when-closed' && i > 0))
        continue
      if (this.#listener === undefined) {
        countDrop(this.stats.rxDropped, 'no-listener')
        continue
      }
      if (payload !== undefined) copyGather(bytes, bytes.length - payload.length, payload)
      if (fault !== 'counts-no-reception') {
        this.stats.rxFrames++
        this.stats.rxBytes += bytes.length
      }
      if (fault === 'forgets-partial' || fault === `forgets-gso${meta.gso.slice(-1)}`)
        Object.assign(meta, createFrameMeta())
      this.#listener.frame(bytes, 0, bytes.length - (fault === 'truncates' ? 1 : 0), meta)
    }
    if (!this.#closed && fault === 'needs-batch-end') (this.#listener as Required<NetListener>)?.batchEnd()
    else if (!this.#closed && fault !== 'no-batch-end' && batch.length > 0) this.#listener?.batchEnd?.()
    this.#delivering = false
    return batch.length > 0
  }
}

/** Two devices joined by queues, which keep the contract but for the fault. */
export function createReferenceEnds(options: ReferenceOptions): NetEnds {
  const a = new ReferenceNet(options, '02:00:00:00:00:0a')
  const b = new ReferenceNet(options, '02:00:00:00:00:0b')
  a.peer = b
  b.peer = a
  return {
    a,
    b,
    async settle() {
      for (let busy = true; busy; ) busy = [a.deliver(), b.deliver()].includes(true)
    },
  }
}
