import { serialLeq } from '@fata/bytes'
import type { IpPacket } from '@fata/ip'
import { countDrop } from '@fata/net'
import type { Connection } from './core/connection.ts'
import { answerFastOpen } from './core/fast-open.ts'
import { openPassive, resumePassive } from './core/open.ts'
import { createSegment, type Segment } from './core/segment.ts'
import { seqAdd } from './core/sequence.ts'
import { timestampOf } from './core/timestamps.ts'
import type { Engine } from './engine.ts'
import type { ConnectionListener } from './listener.ts'
import { readStampedOptions, SynCookies, stampOptions } from './syn-cookies.ts'
import { CWR, ECE, SYN } from './wire.ts'

/** What a connection's new incarnation stays ahead of the last one (RFC 9293 §3.6.1, MAY-2). */
const REOPEN_DISTANCE = 0x20000

/** Makes connections of SYNs that come for listeners, and of the ACKs that bring cookies back. */
export class Accepter {
  readonly #engine: Engine
  readonly #cookies: SynCookies
  readonly #syn = createSegment()

  constructor(engine: Engine) {
    this.#engine = engine
    this.#cookies = new SynCookies(engine.context.random)
  }

  /** A SYN for a listener. `after`: sequence numbers of the connection's last incarnation end here. */
  accept(listener: ConnectionListener, s: Segment, packet: IpPacket, now: number, after?: number): void {
    const refusal = this.#tryAccept(listener, s, packet, now, after)
    const { stats } = this.#engine.context
    if (refusal === undefined) stats.passiveOpens++
    else countDrop(stats.dropped, refusal)
  }

  /** An ACK for a listener: does it bring a cookie? Then it belongs to the connection that is returned. */
  resume(listener: ConnectionListener, s: Segment, packet: IpPacket, now: number): Connection | undefined {
    const { context } = this.#engine
    if (!listener.hasSentCookies(now)) return undefined
    const iss = seqAdd(s.ack, -1)
    const irs = seqAdd(s.seq, -1)
    const id = { local: packet.dst, localPort: s.dstPort, remote: packet.src, remotePort: s.srcPort, passive: true }
    const mss = this.#cookies.read(id, irs, iss, now)
    if (mss === undefined) return undefined
    if (listener.isFull || !this.#engine.makeRoom()) {
      countDrop(context.stats.dropped, listener.isFull ? 'backlog-full' : 'connection-limit')
      return undefined
    }
    const c = this.#engine.create(id, listener.settings.flowOptions)
    const syn = this.#rebuild(s, irs, mss)
    try {
      resumePassive(c, syn, { ...this.#engine.opening(c, now), iss }, now)
    } catch {
      countDrop(context.stats.dropped, 'no-route')
      return undefined
    }
    context.stats.passiveOpens++
    context.stats.cookiesIn++
    c.owner = listener
    this.#engine.adopt(c)
    return c
  }

  #tryAccept(
    listener: ConnectionListener,
    s: Segment,
    packet: IpPacket,
    now: number,
    after: number | undefined,
  ): string | undefined {
    const engine = this.#engine
    const { synCookies } = engine.context.config
    const cookie = synCookies === 'always' || (synCookies === 'auto' && listener.isCrowded)
    if (listener.isFull) return 'backlog-full'
    if (!cookie && !engine.makeRoom()) return 'connection-limit'
    const id = { local: packet.dst, localPort: s.dstPort, remote: packet.src, remotePort: s.srcPort, passive: true }
    const c = engine.create(id, listener.settings.flowOptions)
    try {
      const opening = engine.opening(c, now)
      if (cookie) {
        openPassive(c, s, { ...opening, iss: this.#cookies.make(id, s.seq, s.options.mss, now) }, now)
      } else {
        const iss = after !== undefined && serialLeq(opening.iss, after) ? seqAdd(after, REOPEN_DISTANCE) : opening.iss
        openPassive(c, s, { ...opening, iss }, now)
      }
    } catch {
      return 'no-route'
    }
    if (cookie) return this.#answer(listener, c, s, now)
    if (s.options.fastOpen >= 0 && listener.settings.fastOpen > 0 && answerFastOpen(c, s, listener.hasFastRoom))
      listener.noteFast(c)
    listener.admit(c)
    engine.adopt(c)
    return undefined
  }

  /** Sends the SYN,ACK of `c`, which is forgotten. */
  #answer(listener: ConnectionListener, c: Connection, s: Segment, now: number): string {
    const { options } = s
    if (c.timestamps) {
      const scale = c.windowScaling ? options.windowScale : -1
      c.tsOffset += stampOptions(timestampOf(c, now), scale, c.sack, c.ecn !== undefined)
    } else {
      forgetOptions(c)
    }
    listener.noteCookie(now)
    this.#engine.context.stats.cookiesOut++
    this.#engine.sendOnce(c, now)
    return 'syn-queue-full'
  }

  /** The SYN as it must have been. */
  #rebuild(s: Segment, irs: number, mss: number): Segment {
    const syn = this.#syn
    const { ecn } = readStampedOptions(s, syn)
    syn.seq = irs
    syn.ack = 0
    syn.window = s.window
    syn.flags = ecn ? SYN | ECE | CWR : SYN
    syn.options.mss = mss
    return syn
  }
}

/** Nobody could remember these. */
function forgetOptions(c: Connection): void {
  c.windowScaling = c.sack = false
  c.rcvScale = 0
  c.ecn = undefined
}
