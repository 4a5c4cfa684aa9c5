import { IPV4_BROADCAST, type IpAddress, ipEquals, isMulticast, isUnspecified } from '@fata/addr'
import { checksum, serialGt } from '@fata/bytes'
import { type IpListener, type IpPacket, type IpReport, PROTOCOL_TCP, pseudoHeaderSum } from '@fata/ip'
import { countDrop } from '@fata/net'
import { Accepter } from './accepter.ts'
import type { Connection } from './core/connection.ts'
import { refuseSegment } from './core/open.ts'
import { createOutgoing } from './core/outgoing.ts'
import { segmentArrives } from './core/receive.ts'
import { onReport, type Path } from './core/reports.ts'
import { createSegment, readSegment, type Segment } from './core/segment.ts'
import type { Engine } from './engine.ts'
import type { ConnectionListener } from './listener.ts'
import { ACK, quotedPorts, RST, SYN } from './wire.ts'

/** Takes segments from the IP layer to the connections and listeners that they are for. */
export class Receiver implements IpListener {
  readonly #engine: Engine
  readonly #accepter: Accepter
  readonly #segment = createSegment()
  readonly #reply = createOutgoing()
  readonly #isLocal: (address: IpAddress) => boolean

  constructor(engine: Engine, isLocal: (address: IpAddress) => boolean) {
    this.#engine = engine
    this.#accepter = new Accepter(engine)
    this.#isLocal = isLocal
  }

  packet(buf: Uint8Array, off: number, end: number, packet: IpPacket): boolean {
    const now = this.#engine.beginBatch()
    const { stats } = this.#engine.context
    const s = this.#segment
    stats.segmentsIn++
    const refusal = readSegment(s, buf, off, end, packet.meta, packet.trafficClass) ?? refuse(s, buf, off, end, packet)
    if (refusal !== undefined) {
      countDrop(stats.dropped, refusal)
      return true
    }
    const c = this.#engine.table.find(packet.dst, s.dstPort, packet.src, s.srcPort)
    if (c === undefined || c.state === 'CLOSED') return this.#unknown(s, packet, now)
    if (c.state === 'TIME-WAIT' && this.#reopen(c, s, packet, now)) return true
    if (c.state === 'SYN-RECEIVED' && this.#finishWaits(c, s)) return true
    this.#process(c, s, now)
    return true
  }

  batchEnd(): void {
    this.#engine.endBatch()
  }

  error(report: IpReport): void {
    const { srcPort, dstPort, seq } = quotedPorts(report.buf, report.off)
    const c = this.#engine.table.find(report.src, srcPort, report.dst, dstPort)
    if (c === undefined) {
      countDrop(this.#engine.context.stats.reportsIgnored, 'no-connection')
      return
    }
    const path = this.#pathNow(c)
    onReport(c, report.kind, seq, this.#isLocal(report.reporter), path)
    this.#engine.touch(c)
  }

  /** The way to the peer may be gone by the time somebody complains about it. */
  #pathNow(c: Connection): Path {
    try {
      return this.#engine.path(c.remote)
    } catch {
      return { mtu: c.pathMtu, offload: c.offload }
    }
  }

  #process(c: Connection, s: Segment, now: number): void {
    if (segmentArrives(c, s, now, this.#reply)) this.#engine.sendReply(this.#reply, c.offload)
    this.#engine.list(c)
  }

  /** A segment of no connection: for a listener, or to be reset (RFC 9293 §3.10.7.1, §3.10.7.2). */
  #unknown(s: Segment, packet: IpPacket, now: number): boolean {
    const { stats, config } = this.#engine.context
    const listener = this.#engine.listeners.find(packet.dst, s.dstPort)
    if (listener === undefined && !config.resetUnknown) return false
    if (listener !== undefined && (s.flags & (SYN | ACK | RST)) === SYN) {
      this.#accepter.accept(listener, s, packet, now)
      return true
    }
    if (listener !== undefined && (s.flags & (SYN | ACK | RST)) === ACK) {
      const c = this.#accepter.resume(listener, s, packet, now)
      if (c !== undefined) {
        this.#process(c, s, now)
        return true
      }
    }
    countDrop(stats.dropped, listener === undefined ? 'no-connection' : 'not-syn')
    // A listener leaves what acknowledges nothing unanswered (§3.10.7.2, fourth).
    if (listener !== undefined && (s.flags & ACK) === 0) return true
    if (refuseSegment(packet.dst, packet.src, s, this.#reply)) this.#sendReset(packet.src)
    return true
  }

  #sendReset(to: IpAddress): void {
    try {
      this.#engine.sendReply(this.#reply, this.#engine.path(to).offload)
    } catch {
      countDrop(this.#engine.context.stats.dropped, 'no-route')
    }
  }

  /** A SYN that can only be new ends TIME-WAIT (RFC 9293 MAY-2, RFC 6191 §2). */
  #reopen(c: Connection, s: Segment, packet: IpPacket, now: number): boolean {
    if ((s.flags & (SYN | ACK | RST)) !== SYN) return false
    const listener = this.#engine.listeners.find(packet.dst, s.dstPort)
    if (listener === undefined || listener.isFull) return false
    const newer =
      c.timestamps && s.options.hasTimestamps && s.options.tsVal !== c.tsRecent
        ? serialGt(s.options.tsVal, c.tsRecent)
        : serialGt(s.seq, c.rcvNxt)
    if (!newer) return false
    const after = c.sndNxt
    this.#engine.refuse(c, true)
    this.#accepter.accept(listener, s, packet, now, after)
    return true
  }

  /** The ACK that would establish a connection for which there is no place: it is ignored, another one will come. */
  #finishWaits(c: Connection, s: Segment): boolean {
    if (
      !c.passive ||
      c.fastOpen?.accepted === true ||
      (s.flags & (ACK | RST)) !== ACK ||
      !(c.owner as ConnectionListener).isFull
    )
      return false
    countDrop(this.#engine.context.stats.dropped, 'backlog-full')
    return true
  }
}

/** Why a well-formed segment is not even looked up: its checksum (MUST-3), or addresses that nobody may use (MUST-57, MUST-63). */
function refuse(s: Segment, buf: Uint8Array, off: number, end: number, packet: IpPacket): string | undefined {
  if (packet.multicast) return 'multicast'
  const { src, dst } = packet
  if (packet.meta.checksum === 'none') {
    const pseudo = pseudoHeaderSum(src, dst, PROTOCOL_TCP, end - off)
    if (checksum(buf, off, end, pseudo) !== 0) return 'bad-checksum'
  }
  if (isMulticast(src) || isUnspecified(src) || src === IPV4_BROADCAST) return 'bad-source'
  if (s.srcPort === s.dstPort && ipEquals(src, dst)) return 'from-itself'
  return undefined
}
