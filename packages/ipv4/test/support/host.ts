import { type Ipv4, ipv4, ipv4Prefix, type Mac, mac } from '@fata/addr'
import { checksum, copyBytes, copyGather, type Gather, putU16, u16 } from '@fata/bytes'
import type { IpListener, IpPacket, IpReport } from '@fata/ip'
import type { EtherType, Link, LinkFrame, LinkListener, Neighbors } from '@fata/link'
import { checkOffload, createFrameMeta, type Fill, type FrameMeta, NetError, NO_OFFLOAD, type Offload } from '@fata/net'
import { createVirtualRuntime, type VirtualClock } from '@fata/runtime'
import { createIpv4, type Ipv4Layer, type Ipv4Options } from '../../src/index.ts'
import { createHeader, decode, encode, HEADER_LEN, type Ipv4Header } from '../../src/wire.ts'

export const US: Ipv4 = ipv4('10.0.0.1')
export const PEER: Ipv4 = ipv4('10.0.0.2')
export const ROUTER: Ipv4 = ipv4('10.0.0.254')
export const OUR_MAC: Mac = mac('02:00:00:00:00:01')
export const PEER_MAC: Mac = mac('02:00:00:00:00:02')
export const ROUTER_MAC: Mac = mac('02:00:00:00:00:fe')

/** What a link was given. */
export interface Sent {
  readonly to: Mac
  readonly h: Ipv4Header
  readonly bytes: Uint8Array
  readonly payload: Uint8Array
  /** Positions count from the beginning of the packet. */
  readonly meta: FrameMeta
}

/** The packet begins here in the device's memory, so that whoever mixes positions up is found out. */
const AT = 14

/** A link that keeps what it is given, and refuses what a device would refuse. */
export class TestLink implements Link {
  readonly sent: Sent[] = []
  mac: Mac | undefined = OUR_MAC
  mtu = 1500
  offload: Offload = NO_OFFLOAD
  closed = false
  #listener: LinkListener | undefined
  readonly #txSlab = new Uint8Array(AT + 65_536)
  readonly #rxSlab = new Uint8Array(AT + 65_536)

  write(dst: Mac, protocol: EtherType, size: number, fill: Fill, meta?: FrameMeta, payload?: Gather): void {
    if (this.closed) throw new NetError('ERR_NET_CLOSED', 'closed')
    if (protocol !== 0x0800) throw new Error(`EtherType ${protocol}`)
    const b = this.#txSlab.fill(0xa5, 0, AT + size + AT)
    const filled = fill(b, AT)
    if (filled > size) throw new Error(`filled ${filled} of ${size} bytes`)
    const end = AT + filled + (payload === undefined ? 0 : copyGather(b, AT + filled, payload))
    if (meta !== undefined) checkOffload(meta, this.offload)
    if (end - AT > (meta !== undefined && meta.gso !== 'none' ? 65_535 : this.mtu))
      throw new NetError('ERR_NET_FRAME_TOO_LONG', `${end - AT} bytes`)
    const bytes = b.slice(AT, end)
    const h = decode(bytes, 0, bytes.length)
    if (typeof h === 'string') throw new Error(`sent a packet that is ${h}`)
    if (h.totalLength !== bytes.length) throw new Error(`total length ${h.totalLength} of ${bytes.length} bytes`)
    const kept = { ...(meta ?? createFrameMeta()) }
    if (kept.checksum === 'partial') kept.checksumStart -= AT
    this.sent.push({ to: dst, h, bytes, payload: bytes.slice(h.headerLength), meta: kept })
  }

  listen(_protocol: EtherType, listener: LinkListener): () => void {
    this.#listener = listener
    return () => (this.#listener = undefined)
  }

  /** A packet arrives, in memory that is overwritten afterwards. */
  receive(bytes: Uint8Array, change: Partial<LinkFrame> = {}): void {
    const frame: LinkFrame = { src: PEER_MAC, dst: OUR_MAC, multicast: false, meta: createFrameMeta(), ...change }
    const b = this.#rxSlab.fill(0xa5, 0, AT + bytes.length + AT)
    b.set(bytes, AT)
    this.#listener?.packet(b, AT, AT + bytes.length, frame)
    b.fill(0xee, 0, AT + bytes.length)
  }

  batchEnd(): void {
    this.#listener?.batchEnd?.()
  }

  get listening(): boolean {
    return this.#listener !== undefined
  }

  /** Takes what was sent so far. */
  take(): Sent[] {
    return this.sent.splice(0)
  }
}

/** Neighbors that answer when the test says so. */
export class TestNeighbors implements Neighbors<Ipv4> {
  readonly known = new Map<Ipv4, Mac>([
    [PEER, PEER_MAC],
    [ROUTER, ROUTER_MAC],
  ])
  /** Answers at once, with nothing. */
  readonly silent = new Set<Ipv4>()
  readonly queries: { readonly address: Ipv4; readonly done: (mac: Mac | undefined) => void }[] = []

  lookup(address: Ipv4): Mac | undefined {
    return this.known.get(address)
  }

  resolve(address: Ipv4, done: (mac: Mac | undefined) => void): void {
    if (this.silent.has(address)) done(undefined)
    else this.queries.push({ address, done })
  }

  /** Ends the queries for `address`. */
  answer(address: Ipv4, found: Mac | undefined): void {
    if (found !== undefined) this.known.set(address, found)
    for (const query of this.queries.filter((q) => q.address === address)) {
      this.queries.splice(this.queries.indexOf(query), 1)
      query.done(found)
    }
  }
}

export interface TestHost {
  readonly ip: Ipv4Layer
  readonly link: TestLink
  readonly neighbors: TestNeighbors
  readonly clock: VirtualClock
}

/** A host 10.0.0.1/24 with a default gateway. */
export function createHost(
  options: Ipv4Options = {},
  setUp: { bare?: boolean; link?: Partial<TestLink> } = {},
): TestHost {
  const runtime = createVirtualRuntime(1)
  const link = Object.assign(new TestLink(), setUp.link)
  const neighbors = new TestNeighbors()
  const ip = createIpv4({ ...runtime, link, neighbors }, options)
  if (setUp.bare !== true) {
    ip.addAddress(ipv4Prefix('10.0.0.1/24'))
    ip.addRoute({ prefix: ipv4Prefix('0.0.0.0/0'), gateway: ROUTER })
  }
  return { ip, link, neighbors, clock: runtime.clock }
}

/** A whole packet; by default UDP's number, from the peer to us. */
export function packet(change: Partial<Ipv4Header>, payload: Uint8Array, options?: Uint8Array): Uint8Array {
  const headerLength = HEADER_LEN + (options?.length ?? 0)
  const b = new Uint8Array(headerLength + payload.length)
  const h: Ipv4Header = {
    ...createHeader(),
    headerLength,
    totalLength: b.length,
    ttl: 64,
    protocol: 17,
    src: PEER,
    dst: US,
  }
  encode(b, 0, { ...h, ...change }, options)
  copyBytes(b, headerLength, payload)
  return b
}

/** An ICMP message with its checksum. */
export function icmp(type: number, code: number, rest: number, body: Uint8Array = new Uint8Array(0)): Uint8Array {
  const b = new Uint8Array(8 + body.length)
  b.set([type, code, 0, 0, rest >>> 24, rest >>> 16, rest >>> 8, rest])
  b.set(body, 8)
  putU16(b, 2, checksum(b, 0, b.length))
  return b
}

/** `length` bytes that count up from `from`. */
export function counting(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + from) & 0xff)
}

/** A fill of these bytes. */
export function filling(bytes: Uint8Array): Fill {
  return (buf, off) => copyBytes(buf, off, bytes)
}

/** What a listener was given, copied. */
export interface Got extends Omit<IpPacket, 'meta'> {
  readonly payload: Uint8Array
  readonly meta: FrameMeta
}

export interface Recorder extends IpListener {
  readonly got: Got[]
  readonly reports: IpReport[]
  batches: number
}

/** A listener that keeps copies of what it is given. */
export function recorder(takes: boolean | ((got: Got) => boolean) = true): Recorder {
  const listener: Recorder = {
    got: [],
    reports: [],
    batches: 0,
    packet(buf, off, end, p) {
      const meta = { ...p.meta }
      if (meta.checksum === 'partial') meta.checksumStart -= off
      const got: Got = { ...p, meta, payload: buf.slice(off, end) }
      listener.got.push(got)
      return typeof takes === 'boolean' ? takes : takes(got)
    },
    error(report) {
      listener.reports.push({
        ...report,
        buf: report.buf.slice(report.off, report.end),
        off: 0,
        end: report.end - report.off,
      })
    },
    batchEnd() {
      listener.batches++
    },
  }
  return listener
}

/** Puts sent fragments together the way the RFC says, with no check that they don't overlap but their length. */
export function join(fragments: readonly Sent[]): Uint8Array {
  const total = Math.max(...fragments.map((f) => f.h.fragmentOffset + f.payload.length))
  const whole = new Uint8Array(total)
  let bytes = 0
  for (const f of fragments) {
    whole.set(f.payload, f.h.fragmentOffset)
    bytes += f.payload.length
  }
  if (bytes !== total) throw new Error(`${bytes} bytes in fragments of ${total}`)
  return whole
}

/** The ICMP message that was sent. */
export function icmpOf(sent: Sent | undefined): { type: number; code: number; rest: number; quote: Uint8Array } {
  if (sent === undefined) throw new Error('nothing was sent')
  const { payload: b } = sent
  if (checksum(b, 0, b.length) !== 0) throw new Error('the ICMP checksum is wrong')
  return { type: b[0]!, code: b[1]!, rest: u16(b, 4) * 65_536 + u16(b, 6), quote: b.slice(8) }
}
