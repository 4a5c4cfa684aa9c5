import { type IpAddress, ip as parse } from '@fata/addr'
import type { IpPacket } from '@fata/ip'
import type { Offload } from '@fata/net'
import { createVirtualRuntime, type VirtualClock } from '@fata/runtime'
import { expect } from 'vitest'
import type { Tcp, TcpFlow, TcpListener, TcpOptions } from '../../src/index.ts'
import { createTcp } from '../../src/index.ts'
import { decode, SYN } from '../../src/wire.ts'
import { build, bytesOf, type SeenSeg, type Seg, see, text, textOf } from './segments.ts'
import { type Packet, TestIp } from './test-ip.ts'

export interface ScriptOptions extends TcpOptions {
  readonly seed?: number
  readonly mtu?: number
  readonly offload?: Offload
  readonly v6?: boolean
  /** Where the peer's sequence numbers begin. */
  readonly peerIss?: number
  /** Moves the clock before anything happens, which moves our sequence numbers. */
  readonly startAt?: number
}

const PORT = 80
const PEER_PORT = 40000

/** What scripts begin with: no options but the MSS, and the arithmetic of Reno. */
export const PLAIN: TcpOptions = { timestamps: false, sack: false, windowScale: false, congestion: 'newreno' }

/**
 * One TCP and a peer who is played by the test: segments arrive, segments are expected, time is virtual. Sequence numbers in scripts
 * count from the initial ones, ours and the peer's.
 */
export class Script {
  readonly clock: VirtualClock
  readonly ip: TestIp
  readonly tcp: Tcp
  readonly sent: Packet[] = []
  readonly peer: IpAddress
  peerIss: number
  /** By the peer's port. */
  readonly #ourIss = new Map<number, number>()
  ourPort: number = PORT
  peerPort: number = PEER_PORT
  /** Every packet that left, also those that were looked at. */
  readonly history: Packet[] = []

  constructor(options: ScriptOptions = {}) {
    const { seed = 1, mtu, offload, v6 = false, peerIss = 5000, startAt = 0, ...tcpOptions } = options
    const runtime = createVirtualRuntime(seed)
    this.clock = runtime.clock
    if (startAt > 0) this.clock.advance(startAt)
    this.peer = parse(v6 ? 'fd00::2' : '10.0.0.2')
    this.peerIss = peerIss
    this.ip = new TestIp({
      address: v6 ? 'fd00::1/64' : '10.0.0.1/24',
      ...(mtu === undefined ? {} : { mtu }),
      ...(offload === undefined ? {} : { offload }),
      onSend: (packet) => {
        const h = decode(packet.bytes, 0, packet.bytes.length)
        if (typeof h !== 'string' && (h.flags & SYN) !== 0) this.#ourIss.set(h.dstPort, h.seq)
        this.sent.push(packet)
        this.history.push(packet)
      },
    })
    this.tcp = createTcp({ ip: this.ip, ...runtime }, { ...PLAIN, ...tcpOptions })
  }

  /** Where our sequence numbers begin, towards the present port of the peer. */
  get ourIss(): number {
    return this.#ourIss.get(this.peerPort) ?? 0
  }

  /** Segments arrive in one batch. */
  async arrives(...segments: Seg[]): Promise<void> {
    for (const s of segments) this.ip.receive(this.peer, this.#build(s))
    this.ip.batchEnd()
    await this.settle()
  }

  /** A segment arrives with meta data or addresses of its own. Returns whether TCP took it. */
  arrivesAs(s: Seg, packet: Partial<IpPacket>, change?: (bytes: Uint8Array) => void): boolean {
    const bytes = this.#build(s)
    change?.(bytes)
    const taken = this.ip.receive(packet.src ?? this.peer, bytes, packet)
    this.ip.batchEnd()
    return taken
  }

  /** Exactly these segments have been sent since the last look; of each the given fields count. */
  expectSends(...expected: Partial<SeenSeg>[]): SeenSeg[] {
    const seen = this.take()
    expect(seen.map((s, i) => pick(s, expected[i]))).toEqual(expected)
    return seen
  }

  /** The segments sent since the last look. */
  take(): SeenSeg[] {
    return this.sent.splice(0).map((p) => this.see(p))
  }

  see(p: Packet): SeenSeg {
    const iss = this.#ourIss.get((p.bytes[2]! << 8) | p.bytes[3]!) ?? 0
    return see(p.bytes, { senderIss: iss, receiverIss: this.peerIss })
  }

  /** Lets time pass, and promises settle on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.clock.now() + ms
    await this.clock.run(() => false, end)
    if (this.clock.now() < end) this.clock.advance(end - this.clock.now())
    await this.settle()
  }

  /** Lets promises settle. */
  settle(): Promise<boolean> {
    return this.clock.run(() => true)
  }

  /** Active open, completed. `synAck`: what the peer answers. */
  async connect(synAck: Seg = {}, options: Parameters<Tcp['connect']>[1] = {}): Promise<TcpFlow> {
    const promise = this.connectStart(options)
    this.expectSends({ syn: true, seq: 0 })
    await this.arrives({ syn: true, seq: 0, ack: 1, mss: 1460, ...synAck })
    this.expectSends({ seq: 1, ack: 1, syn: false })
    return promise
  }

  /** Active open, up to the SYN, which has not been looked at. */
  connectStart(options: Parameters<Tcp['connect']>[1] = {}): Promise<TcpFlow> {
    this.peerPort = 7
    const promise = this.tcp.connect({ address: this.peer, port: 7 }, options)
    promise.catch(() => {})
    const h = decode(this.sent.at(-1)!.bytes, 0, this.sent.at(-1)!.bytes.length)
    if (typeof h === 'string') throw new Error(h)
    this.ourPort = h.srcPort
    return promise
  }

  /** Passive open, completed. `syn`: what the peer's SYN says; `ack`: his last segment of the handshake. */
  async accept(syn: Seg = {}, ack: Seg = {}, listener?: TcpListener): Promise<TcpFlow> {
    const l = listener ?? this.tcp.listen({ port: PORT })
    await this.arrives({ syn: true, seq: 0, mss: 1460, ...syn })
    this.expectSends({ syn: true, seq: 0, ack: 1 })
    await this.arrives({ seq: 1, ack: 1, ...ack })
    const flow = await l.accept()
    if (listener === undefined) await l.close()
    return flow
  }

  /** The states of all connections. */
  states(): string[] {
    return this.tcp.connections().map((c) => c.state)
  }

  /** Ends everything, and checks that nothing is left: no connection, no timer, no memory. */
  async end(): Promise<void> {
    await this.tcp.close()
    expect(this.states()).toEqual([])
    expect(this.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    expect([this.tcp.stats.unreadBytes, this.tcp.stats.queuedBytes]).toEqual([0, 0])
  }

  #build(s: Seg): Uint8Array {
    return build(
      s,
      { address: this.peer, port: this.peerPort },
      { address: this.ip.address, port: this.ourPort },
      { senderIss: this.peerIss, receiverIss: this.ourIss },
    )
  }
}

function pick(s: SeenSeg, like: Partial<SeenSeg> | undefined): Partial<SeenSeg> {
  if (like === undefined) return s
  return Object.fromEntries(Object.keys(like).map((key) => [key, s[key as keyof SeenSeg]]))
}

/** What has arrived, as text; null at the end. */
export async function readText(flow: TcpFlow): Promise<string | null> {
  const chunk = await flow.read()
  return chunk === null ? null : textOf(chunk)
}

export { bytesOf, text, textOf }
