import { type IpAddress, type Prefix, prefix } from '@fata/addr'
import { copyGather } from '@fata/bytes'
import { type Ip, type IpListener, type IpPacket, type IpWriteOptions, PROTOCOL_TCP } from '@fata/ip'
import { createFrameMeta, type Fill, type FrameMeta, type Offload } from '@fata/net'
import type { Clock } from '@fata/runtime'

const SLAB = 1 << 20

/** One end of a wire in memory: packets are copied into a slab and handed over in batches, as a device would. */
export class MemoryIp implements Ip {
  peer!: MemoryIp
  packets = 0
  readonly #prefix: Prefix
  readonly #mtu: number
  readonly #offload: Offload
  readonly #clock: Clock
  readonly #batch: number
  readonly #listeners: IpListener[] = []
  #slab = new Uint8Array(SLAB)
  #spare = new Uint8Array(SLAB)
  #used = 0
  readonly #offs: number[] = []
  readonly #ends: number[] = []
  readonly #metas: FrameMeta[] = []
  #count = 0
  #next = 0
  #scheduled = false
  readonly #packet: IpPacket

  constructor(address: string, mtu: number, offload: Offload, clock: Clock, batch: number) {
    this.#prefix = prefix(address)
    this.#mtu = mtu
    this.#offload = offload
    this.#clock = clock
    this.#batch = batch
    this.#packet = {
      src: this.#prefix.address,
      dst: this.#prefix.address,
      protocol: PROTOCOL_TCP,
      ttl: 64,
      trafficClass: 0,
      multicast: false,
      meta: createFrameMeta(),
    }
  }

  get address(): IpAddress {
    return this.#prefix.address
  }

  addresses(): readonly Prefix[] {
    return [this.#prefix]
  }

  source(): IpAddress {
    return this.address
  }

  mtu(): number {
    return this.#mtu
  }

  offload(): Offload {
    return this.#offload
  }

  write(_dst: IpAddress, _protocol: number, size: number, fill: Fill, options: IpWriteOptions = {}): void {
    const { payload, meta } = options
    const needed = size + (payload === undefined ? 0 : payload.length)
    if (this.#used + needed > SLAB) return
    const off = this.#used
    let end = off + fill(this.#slab, off)
    if (payload !== undefined) end += copyGather(this.#slab, end, payload)
    const i = this.#count++
    this.#offs[i] = off
    this.#ends[i] = end
    const m = (this.#metas[i] ??= createFrameMeta())
    m.checksum = meta === undefined ? 'none' : meta.checksum
    m.gso = meta === undefined ? 'none' : meta.gso
    m.gsoSize = meta === undefined ? 0 : meta.gsoSize
    this.#used = (end + 63) & ~63
    this.packets++
    if (this.#scheduled) return
    this.#scheduled = true
    this.#clock.defer(this.#deliver)
  }

  listen(_protocol: number, listener: IpListener): () => void {
    this.#listeners.push(listener)
    return () => this.#listeners.pop()
  }

  confirm(): void {}

  readonly #deliver = (): void => {
    const slab = this.#slab
    const { peer } = this
    const p = peer.#packet
    p.src = this.address
    p.dst = peer.address
    const end = Math.min(this.#count, this.#next + this.#batch)
    for (let i = this.#next; i < end; i++) {
      p.meta = this.#metas[i]!
      for (const l of peer.#listeners) if (l.packet(slab, this.#offs[i]!, this.#ends[i]!, p)) break
    }
    this.#next = end
    for (const l of peer.#listeners) l.batchEnd?.()
    if (this.#next < this.#count) {
      this.#clock.defer(this.#deliver)
      return
    }
    this.#scheduled = false
    this.#slab = this.#spare
    this.#spare = slab
    this.#used = this.#count = this.#next = 0
  }
}
