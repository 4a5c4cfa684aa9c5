import { checksum, putU16, putU32, u32 } from '@fata/bytes'
import { PROTOCOL_TCP, pseudoHeaderSum } from '@fata/ip'
import { createFrameMeta, type Offload } from '@fata/net'
import { createVirtualRuntime, type Random, seededRandom, type VirtualClock } from '@fata/runtime'
import { expect } from 'vitest'
import { createTcp, type Tcp, type TcpFlow, type TcpOptions } from '../../src/index.ts'
import { type Packet, TestIp } from './test-ip.ts'

/** One direction of the way between two hosts. Probabilities are 0..1. */
export interface LinkOptions {
  readonly latencyMs?: number
  /** Packets wait up to so much longer, and may overtake. */
  readonly jitterMs?: number
  readonly loss?: number
  readonly duplicate?: number
  /** One bit is turned. */
  readonly corrupt?: number
  /** Bytes per millisecond; beyond `queueBytes` of backlog packets are dropped. */
  readonly rate?: number
  readonly queueBytes?: number
  /** Capable packets are marked where the backlog is longer (RFC 3168 §5). */
  readonly markBytes?: number
  /** Called for each packet; true drops it. */
  readonly drop?: (packet: Packet, nth: number) => boolean
  /** Called for each packet; what it returns travels in its place. */
  readonly alter?: (packet: Packet) => Packet
  /** Called for each packet that arrives; what it returns arrives right behind it. */
  readonly follow?: (packet: Packet) => Packet | undefined
}

export interface PairOptions {
  readonly seed?: number
  readonly v6?: boolean
  readonly mtu?: number
  readonly offload?: Offload
  readonly link?: LinkOptions
  /** From b to a, where it differs. */
  readonly back?: LinkOptions
  readonly a?: TcpOptions
  readonly b?: TcpOptions
  readonly startAt?: number
}

const MOST_KEPT = 10_000

export const OFFLOAD: Offload = { checksum: true, tso4: true, tso6: true }

/** Two hosts, each with a TCP, and the way between them, in virtual time. */
export class Pair {
  readonly clock: VirtualClock
  readonly a: Tcp
  readonly b: Tcp
  readonly aIp: TestIp
  readonly bIp: TestIp
  /** The first packets that went from a to b, and from b to a, also those that were lost. */
  readonly there: Packet[] = []
  readonly back: Packet[] = []
  readonly seed: number

  constructor(options: PairOptions = {}) {
    const { seed = 1, v6 = false, mtu, offload, link = {}, back = link, startAt = 0 } = options
    const runtime = createVirtualRuntime(seed)
    this.seed = seed
    this.clock = runtime.clock
    if (startAt > 0) this.clock.advance(startAt)
    const common = { ...(mtu === undefined ? {} : { mtu }), ...(offload === undefined ? {} : { offload }) }
    const toB = new Link(this.clock, seededRandom(seed + 1000), link, () => this.bIp)
    const toA = new Link(this.clock, seededRandom(seed + 2000), back, () => this.aIp)
    this.aIp = new TestIp({
      ...common,
      address: v6 ? 'fd00::1/64' : '10.0.0.1/24',
      onSend: (p) => {
        if (this.there.length < MOST_KEPT) this.there.push(p)
        toB.send(p)
      },
    })
    this.bIp = new TestIp({
      ...common,
      address: v6 ? 'fd00::2/64' : '10.0.0.2/24',
      onSend: (p) => {
        if (this.back.length < MOST_KEPT) this.back.push(p)
        toA.send(p)
      },
    })
    this.a = createTcp({ ip: this.aIp, clock: this.clock, random: seededRandom(seed + 1) }, options.a)
    this.b = createTcp({ ip: this.bIp, clock: this.clock, random: seededRandom(seed + 2) }, options.b)
  }

  /** A connection from a to b. */
  async connect(port = 80): Promise<{ client: TcpFlow; server: TcpFlow }> {
    const listener = this.b.listen({ port })
    const accepted = listener.accept()
    const client = await this.clock.settle(this.a.connect({ address: this.bIp.address, port }))
    const server = await this.clock.settle(accepted)
    await listener.close()
    return { client, server }
  }

  /** Runs until `promise` settles. */
  settle<T>(promise: Promise<T>, limitMs = 3_600_000): Promise<T> {
    return this.clock.settle(promise, this.clock.now() + limitMs)
  }

  /** Lets everything come to rest, TIME-WAIT included, and checks that nothing is left. */
  async end(): Promise<void> {
    await this.clock.run()
    this.expectEmpty()
    await this.a.close()
    await this.b.close()
    await this.clock.run()
  }

  expectEmpty(): void {
    expect(this.a.connections()).toEqual([])
    expect(this.b.connections()).toEqual([])
    for (const { stats } of [this.a, this.b]) expect([stats.unreadBytes, stats.queuedBytes]).toEqual([0, 0])
    expect(this.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  }
}

class Link {
  readonly #clock: VirtualClock
  readonly #random: Random
  readonly #options: LinkOptions
  readonly #to: () => TestIp
  /** Packets by the time of their arrival: what arrives at one time is one batch. */
  readonly #arriving = new Map<number, Packet[]>()
  #busyUntil = 0
  #count = 0

  constructor(clock: VirtualClock, random: Random, options: LinkOptions, to: () => TestIp) {
    this.#clock = clock
    this.#random = random
    this.#options = options
    this.#to = to
  }

  send(packet: Packet): void {
    const lossless = this.#options.loss === undefined && this.#options.drop === undefined
    const { alter } = this.#options
    for (const p of lossless && alter === undefined ? [packet] : segment(packet))
      this.#sendOne(alter === undefined ? p : alter(p))
  }

  #sendOne(packet: Packet): void {
    const { loss = 0, duplicate = 0, corrupt = 0, drop } = this.#options
    if (drop?.(packet, this.#count++) === true || this.#chance(loss)) return
    const damaged = this.#chance(corrupt) ? this.#damage(packet) : packet
    this.#deliver(damaged)
    if (this.#chance(duplicate)) this.#deliver(damaged)
  }

  #deliver(packet: Packet): void {
    const {
      latencyMs = 1,
      jitterMs = 0,
      rate = Number.POSITIVE_INFINITY,
      queueBytes = Number.POSITIVE_INFINITY,
      markBytes = Number.POSITIVE_INFINITY,
    } = this.#options
    const now = this.#clock.now()
    const begin = Math.max(now, this.#busyUntil)
    if ((begin - now) * rate > queueBytes) return
    const congested = (begin - now) * rate > markBytes && (packet.trafficClass & 3) === 2
    const arriving = congested ? { ...packet, trafficClass: packet.trafficClass | 3 } : packet
    this.#busyUntil = begin + packet.bytes.length / rate
    const at = this.#busyUntil + latencyMs + (jitterMs * this.#random.uint32()) / 2 ** 32
    const batch = this.#arriving.get(at)
    if (batch !== undefined) {
      batch.push(arriving)
      return
    }
    this.#arriving.set(at, [arriving])
    this.#clock.schedule(at, () => this.#arrive(at))
  }

  #arrive(at: number): void {
    const batch = this.#arriving.get(at) ?? []
    this.#arriving.delete(at)
    const ip = this.#to()
    const receive = (p: Packet): void =>
      void ip.receive(p.src, p.bytes, { dst: p.dst, meta: { ...p.meta }, trafficClass: p.trafficClass })
    for (const p of batch) {
      receive(p)
      const second = this.#options.follow?.(p)
      if (second !== undefined) receive(second)
    }
    ip.batchEnd()
  }

  #chance(p: number): boolean {
    return p > 0 && this.#random.uint32() < p * 2 ** 32
  }

  #damage(packet: Packet): Packet {
    const bytes = packet.bytes.slice()
    const bit = this.#random.uint32() % (8 * bytes.length)
    bytes[bit >>> 3] = bytes[bit >>> 3]! ^ (1 << (bit & 7))
    return { ...packet, bytes }
  }
}

/** What a device does with a super-segment: cuts it, and completes checksums. */
export function segment(packet: Packet): Packet[] {
  const { bytes, meta, src, dst } = packet
  if (meta.checksum === 'none') return [packet]
  const headerLen = (bytes[12]! >>> 4) * 4
  const size = meta.gso === 'none' ? Number.POSITIVE_INFINITY : meta.gsoSize
  const packets: Packet[] = []
  let off = headerLen
  do {
    const end = Math.min(bytes.length, off + size)
    const piece = new Uint8Array(headerLen + end - off)
    piece.set(bytes.subarray(0, headerLen))
    piece.set(bytes.subarray(off, end), headerLen)
    putU32(piece, 4, u32(bytes, 4) + off - headerLen)
    // FIN and PSH belong to the last one.
    if (end < bytes.length) piece[13] = piece[13]! & ~0x09
    putU16(piece, 16, 0)
    putU16(piece, 16, checksum(piece, 0, piece.length, pseudoHeaderSum(src, dst, PROTOCOL_TCP, piece.length)))
    packets.push({ ...packet, bytes: piece, meta: createFrameMeta() })
    off = end
  } while (off < bytes.length)
  return packets
}

/** Bytes that depend on the seed and the place. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let x = seed >>> 0
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}

/** Writes in chunks of `chunk` bytes with back-pressure, then shuts down. */
export async function sendAll(flow: TcpFlow, bytes: Uint8Array, chunk = 16_384): Promise<void> {
  for (let off = 0; off < bytes.length; off += chunk) await flow.write(bytes.slice(off, off + chunk))
  await flow.shutdown()
}
