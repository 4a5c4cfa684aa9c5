import { type IpAddress, ipEquals, isIpv4, type Prefix, prefix } from '@fata/addr'
import { assert, checksum, copyGather, foldSum, u16 } from '@fata/bytes'
import {
  type Ip,
  IpError,
  type IpListener,
  type IpPacket,
  type IpReportKind,
  type IpWriteOptions,
  PROTOCOL_TCP,
  pseudoHeaderSum,
} from '@fata/ip'
import { createFrameMeta, type Fill, type FrameMeta, NO_OFFLOAD, type Offload } from '@fata/net'

/** A segment as it left TCP: its bytes, complete but for what an offload leaves to do. */
export interface Packet {
  readonly src: IpAddress
  readonly dst: IpAddress
  readonly bytes: Uint8Array
  readonly meta: FrameMeta
  readonly ttl: number | undefined
  readonly trafficClass: number
}

export interface TestIpOptions {
  readonly address: string
  /** Largest TCP segment, header included. */
  readonly mtu?: number
  readonly offload?: Offload
  readonly onSend: (packet: Packet) => void
}

/** Segments begin here in the lent memory, so that offsets which are taken for lengths show. */
const LENT_AT = 7

/** An IP layer of one host without a network: hands every packet to `onSend`, after checking that it could be sent. */
export class TestIp implements Ip {
  mtuNow: number
  offloadNow: Offload
  /** Thrown by the next calls of `write`, one each. */
  readonly failures: IpError[] = []
  /** What `confirm` was called with. */
  readonly confirmed: IpAddress[] = []
  readonly #prefix: Prefix
  readonly #onSend: (packet: Packet) => void
  readonly #listeners: IpListener[] = []
  readonly #memory = new Uint8Array(70_000)

  constructor(options: TestIpOptions) {
    this.#prefix = prefix(options.address)
    this.mtuNow = options.mtu ?? 1480
    this.offloadNow = options.offload ?? NO_OFFLOAD
    this.#onSend = options.onSend
  }

  get address(): IpAddress {
    return this.#prefix.address
  }

  addresses(): readonly Prefix[] {
    return [this.#prefix]
  }

  source(dst: IpAddress): IpAddress {
    if (isIpv4(dst) !== isIpv4(this.address)) throw new IpError('ERR_IP_FAMILY', 'the other family')
    return this.address
  }

  mtu(dst: IpAddress): number {
    this.source(dst)
    return this.mtuNow
  }

  offload(dst: IpAddress): Offload {
    this.source(dst)
    return this.offloadNow
  }

  write(dst: IpAddress, protocol: number, size: number, fill: Fill, options: IpWriteOptions = {}): void {
    assert(protocol === PROTOCOL_TCP, 'TCP speaks TCP')
    const failure = this.failures.shift()
    if (failure !== undefined) throw failure
    this.#memory.fill(0xa5)
    const { payload, meta, src = this.source(dst) } = options
    let end = fill(this.#memory, LENT_AT)
    assert(end <= size, 'fill writes what it asked for at most')
    if (payload !== undefined) end += copyGather(this.#memory, LENT_AT + end, payload)
    const bytes = this.#memory.slice(LENT_AT, LENT_AT + end)
    this.#check(bytes, src, dst, meta)
    if (options.fragment === false && this.#needed(bytes, meta) > this.mtuNow)
      throw new IpError('ERR_IP_WOULD_FRAGMENT', `${bytes.length} bytes exceed ${this.mtuNow}`)
    const { ttl, trafficClass = 0 } = options
    this.#onSend({ src, dst, bytes, meta: { ...(meta ?? createFrameMeta()) }, ttl, trafficClass })
  }

  listen(_protocol: number, listener: IpListener): () => void {
    this.#listeners.push(listener)
    return () => this.#listeners.splice(this.#listeners.indexOf(listener), 1)
  }

  confirm(dst: IpAddress): void {
    this.confirmed.push(dst)
  }

  /** A segment arrives. Returns whether anybody took it. */
  receive(src: IpAddress, bytes: Uint8Array, options: Partial<IpPacket> = {}): boolean {
    const packet: IpPacket = {
      src,
      dst: this.address,
      protocol: PROTOCOL_TCP,
      ttl: 64,
      trafficClass: 0,
      multicast: false,
      meta: createFrameMeta(),
      ...options,
    }
    // The device's memory is its own again after the call.
    const lent = new Uint8Array(bytes.length + LENT_AT)
    lent.set(bytes, LENT_AT)
    const taken = this.#listeners.some((l) => l.packet(lent, LENT_AT, lent.length, packet))
    lent.fill(0xa5)
    return taken
  }

  batchEnd(): void {
    for (const l of [...this.#listeners]) l.batchEnd?.()
  }

  /** ICMP, or the host, says something about a segment that was sent. */
  report(kind: IpReportKind, segment: Packet, options: { reporter?: IpAddress; mtu?: number } = {}): void {
    const { reporter = segment.dst, mtu = 0 } = options
    const quote = { buf: segment.bytes, off: 0, end: Math.min(8, segment.bytes.length) }
    for (const l of this.#listeners) l.error?.({ kind, src: segment.src, dst: segment.dst, reporter, mtu, ...quote })
  }

  #needed(bytes: Uint8Array, meta: FrameMeta | undefined): number {
    const header = (bytes[12]! >>> 4) * 4
    return meta === undefined || meta.gso === 'none' ? bytes.length : header + meta.gsoSize
  }

  #check(bytes: Uint8Array, src: IpAddress, dst: IpAddress, meta: FrameMeta | undefined): void {
    const pseudo = pseudoHeaderSum(src, dst, PROTOCOL_TCP, bytes.length)
    const ipHeader = isIpv4(dst) ? 20 : 40
    assert(bytes.length + ipHeader <= 65535, 'an IP packet is not longer than 65535 bytes')
    if (meta === undefined || meta.checksum === 'none') {
      assert(checksum(bytes, 0, bytes.length, pseudo) === 0, 'the checksum is right')
      assert(meta === undefined || meta.gso === 'none', 'a super-segment needs a partial checksum')
      return
    }
    assert(this.offloadNow.checksum, 'only a device that completes checksums is given partial ones')
    assert(u16(bytes, 16) === foldSum(pseudo), 'a partial checksum is that of the pseudo-header')
    assert(meta.checksumStart === LENT_AT && meta.checksumOffset === 16, 'the checksum is where the meta data says')
    const { tso4, tso6 } = this.offloadNow
    assert(meta.gso === 'none' || (isIpv4(dst) ? tso4 : tso6), 'super-segments only where the device takes them')
  }

  /** Is it one of this host's? */
  owns(address: IpAddress): boolean {
    return ipEquals(address, this.address)
  }
}
