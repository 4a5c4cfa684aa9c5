import { ipEquals } from '@fata/addr'
import { putU16, u16 } from '@fata/bytes'
import { PROTOCOL_TCP, PROTOCOL_UDP } from '@fata/ip'
import { ACK, FIN, PSH, SYN } from '@fata/tcp/wire'
import { compareIp, compareSegment } from './compare.ts'
import { Mismatch, Unsupported } from './errors.ts'
import { buildIcmp } from './icmp.ts'
import type { PacketSpec, TcpSpec, UdpSpec } from './script.ts'
import { ScriptSocket } from './script-socket.ts'
import { decodeSegment, encodeSegment, formatSegment, type Segment } from './segment.ts'
import { seqAddU } from './sequence.ts'
import { type IpPacketView, readIp, writeIp } from './wire.ts'
import type { World } from './world.ts'

const UDP_HEADER = 8
const MAX_WINDOW = 0

/** A segment that the stack has sent, with its IP header. */
interface Sniffed {
  readonly at: number
  readonly ip: IpPacketView
  segment: Segment
}

/** The socket that a packet of the script belongs to. A SYN for a listener makes a new one. */
function socketFor(w: World, p: PacketSpec): ScriptSocket {
  const under = w.socketUnderTest
  if (p.body.kind === 'tcp' && p.inbound && (under === undefined || under.stage === 'listening')) {
    const child = new ScriptSocket('tcp', under?.localPort ?? w.bindPort, w.nextRemotePort())
    child.stage = 'passive-syn'
    child.remoteIsn = p.body.seq
    w.socketUnderTest = child
    return child
  }
  if (p.body.kind === 'tcp' && !p.inbound && under?.stage === 'connecting' && (p.body.flags & (SYN | ACK)) === SYN) {
    under.stage = 'active-syn'
    under.scriptLocalIsn = p.body.seq
    return under
  }
  if (under === undefined) throw new Mismatch('no socket is there that this packet could belong to')
  if (under.remotePort === 0) under.remotePort = w.nextRemotePort()
  return under
}

/** The script's peer sends a packet. */
export function injectPacket(w: World, p: PacketSpec): void {
  refuseEncapsulation(p)
  const socket = socketFor(w, p)
  const addresses = { src: w.network.remote, dst: w.network.local }
  const { body } = p
  const trafficClass = p.ip.tos ?? (typeof p.ip.ecn === 'number' ? p.ip.ecn : 0)
  if (body.kind === 'tcp') {
    const bytes = encodeSegment(inboundSegment(w, body, socket))
    w.host.inject(writeIp(addresses, PROTOCOL_TCP, bytes, trafficClass, p.ip.ttl || undefined))
  } else if (body.kind === 'udp') {
    w.host.inject(writeIp(addresses, PROTOCOL_UDP, datagram(body, socket), trafficClass, p.ip.ttl || undefined))
  } else {
    const { protocol, bytes } = buildIcmp(body, addresses, socket)
    w.host.inject(writeIp(addresses, protocol, bytes, trafficClass, p.ip.ttl || undefined))
  }
}

function refuseEncapsulation(p: PacketSpec): void {
  if (p.around.length > 0) throw new Unsupported(`packets within ${p.around.join(', ')}`)
}

function inboundSegment(w: World, body: TcpSpec, socket: ScriptSocket): Segment {
  const isSyn = (body.flags & SYN) !== 0
  const acks = (body.flags & ACK) !== 0
  if (socket.stage === 'passive-syn-ack' && acks) socket.stage = 'passive-acked'
  if (socket.stage === 'active-syn' && isSyn) {
    socket.remoteIsn = body.seq
    if (acks) socket.stage = 'active-acked'
  }
  if (body.ports !== undefined) socket.aliases.add(`${body.ports.dst}>${body.ports.src}`)
  const script: Segment = {
    srcPort: body.ports?.src || socket.remotePort,
    dstPort: body.ports?.dst || socket.localPort,
    seq: body.seq,
    ack: body.ack,
    flags: body.flags | aceBits(body.ace),
    window: body.window ?? MAX_WINDOW,
    urgent: body.urgent,
    options: [...(body.options ?? [])],
    length: body.length,
  }
  return socket.mapInbound(script, isSyn, w.scaledEchoes)
}

function aceBits(ace: number | undefined): number {
  if (ace === undefined) return 0
  return ((ace & 4) << 6) | ((ace & 2) << 6) | ((ace & 1) << 6)
}

function datagram(body: UdpSpec, socket: ScriptSocket): Uint8Array {
  const b = new Uint8Array(UDP_HEADER + body.length)
  putU16(b, 0, body.ports?.src || socket.remotePort)
  putU16(b, 2, body.ports?.dst || socket.localPort)
  putU16(b, 4, b.length)
  return b
}

/** The stack must send this packet; returns when it did. `limit`: wait no longer. Throws Mismatch. */
export async function expectPacket(w: World, p: PacketSpec, limit: number): Promise<number> {
  refuseEncapsulation(p)
  const socket = socketFor(w, p)
  if (p.body.kind === 'tcp') return expectSegment(w, p, p.body, socket, limit)
  if (p.body.kind === 'udp') return expectDatagram(w, p, p.body, socket, limit)
  throw new Unsupported('outbound ICMP')
}

async function expectSegment(
  w: World,
  p: PacketSpec,
  spec: TcpSpec,
  socket: ScriptSocket,
  limit: number,
): Promise<number> {
  if (socket.stage === 'passive-syn' && (spec.flags & (SYN | ACK)) === (SYN | ACK)) socket.scriptLocalIsn = spec.seq
  const first = await sniff(w, socket, limit)
  const burst = [first]
  let length = first.segment.length
  // Scripts write several segments as one: what follows belongs to it until it is as long.
  while (length < spec.length && !w.strictSegments) {
    const next = await sniff(w, socket, Math.max(limit, w.host.clock.now()), burst)
    const previous = burst.at(-1)!.segment
    if (next.segment.seq !== seqAddU(previous.seq, previous.length)) {
      throw new Mismatch(
        `the payload ends early: got ${burst
          .concat(next)
          .map((s) => formatSegment(s.segment))
          .join(' and ')}`,
      )
    }
    burst.push(next)
    length += next.segment.length
  }
  const live = joined(burst, spec)
  const how = { relaxed: w.relaxed, stampTolerance: w.stampTolerance }
  const problem = compareSegment(spec, live, burst.length, socket, how) ?? compareIp(p.ip, first.ip, socket)
  if (problem !== undefined) throw new Mismatch(`${problem}: got ${formatSegment(live)}`)
  return first.at
}

/** A burst as one segment: what begins it, with the flags that end it. */
function joined(burst: readonly Sniffed[], spec: TcpSpec): Segment {
  const first = burst[0]!.segment
  const last = burst.at(-1)!.segment
  const length = burst.reduce((sum, s) => sum + s.segment.length, 0)
  const flags = burst.length === 1 ? first.flags : first.flags | (last.flags & (FIN | PSH))
  return { ...first, length, flags, options: spec.length > first.length ? last.options : first.options }
}

/** The next segment of `socket` that the stack sends. */
async function sniff(w: World, socket: ScriptSocket, limit: number, before: readonly Sniffed[] = []): Promise<Sniffed> {
  for (;;) {
    await w.host.untilSent(limit)
    const sent = w.host.sent.shift()
    if (sent === undefined) {
      const so = before.length === 0 ? '' : ` after ${before.map((s) => formatSegment(s.segment)).join(' and ')}`
      throw new Mismatch(`nothing was sent${so} by ${w.scriptSeconds(w.host.clock.now())}`)
    }
    const ip = readIp(sent.bytes)
    const segment = ip?.protocol === PROTOCOL_TCP ? decodeSegment(ip.payload) : undefined
    if (ip === undefined || segment === undefined || !isOf(w, ip, segment, socket)) continue
    const isSyn = (segment.flags & SYN) !== 0
    if (socket.stage === 'passive-syn' && isSyn) {
      socket.stage = 'passive-syn-ack'
      socket.liveLocalIsn = segment.seq
    }
    return { at: sent.at, ip, segment: socket.mapOutbound(segment, isSyn) }
  }
}

/** Does a live segment belong to the socket? A connecting one is recognized by its SYN, which tells the local port. */
function isOf(w: World, ip: IpPacketView, s: Segment, socket: ScriptSocket): boolean {
  if (!ipEquals(ip.dst, w.network.remote)) return false
  if (socket.stage === 'active-syn' && socket.localPort === 0) {
    if ((s.flags & (SYN | ACK)) !== SYN || s.dstPort !== socket.remotePort) return false
    socket.localPort = s.srcPort
    socket.liveLocalIsn = s.seq
    return true
  }
  const isTuple = s.srcPort === socket.localPort && s.dstPort === socket.remotePort
  if (isTuple && socket.stage === 'active-syn' && (s.flags & (SYN | ACK)) === SYN) socket.liveLocalIsn = s.seq
  return isTuple || socket.aliases.has(`${s.srcPort}>${s.dstPort}`)
}

async function expectDatagram(
  w: World,
  p: PacketSpec,
  spec: UdpSpec,
  socket: ScriptSocket,
  limit: number,
): Promise<number> {
  for (;;) {
    await w.host.untilSent(limit)
    const sent = w.host.sent.shift()
    if (sent === undefined) throw new Mismatch(`nothing was sent by ${w.scriptSeconds(w.host.clock.now())}`)
    const ip = readIp(sent.bytes)
    if (ip === undefined || ip.protocol !== PROTOCOL_UDP) continue
    socket.localPort = u16(ip.payload, 0)
    const length = ip.payload.length - UDP_HEADER
    const problem =
      length === spec.length ? compareIp(p.ip, ip, socket) : `payload is ${length} instead of ${spec.length}`
    if (problem !== undefined) throw new Mismatch(`${problem}: got udp (${length})`)
    return sent.at
  }
}
