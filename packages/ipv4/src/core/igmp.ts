import { IPV4_ALL_SYSTEMS, type Ipv4 } from '@fata/addr'
import { u32 } from '@fata/bytes'
import type { Random } from '@fata/runtime'
import {
  IGMP_LEAVE,
  IGMP_QUERY,
  IGMP_REPORT_V1,
  IGMP_REPORT_V2,
  type IgmpMessage,
  type IgmpRecord,
  type IgmpRecordType,
} from '../wire.ts'

/** A message to send: a version 3 report, or one of version 1 or 2 about `group`. */
export type IgmpOut =
  | { readonly kind: 'report'; readonly records: readonly IgmpRecord[] }
  | { readonly kind: 'old'; readonly type: number; readonly group: Ipv4 }

const NEVER = Number.POSITIVE_INFINITY
/** RFC 3376 §8.1, §8.2, §8.3, §8.11; RFC 2236 §8.10. */
const ROBUSTNESS = 2
const QUERY_INTERVAL_MS = 125_000
const QUERY_RESPONSE_INTERVAL_MS = 10_000
const UNSOLICITED_REPORT_MS = 1_000
const UNSOLICITED_REPORT_V2_MS = 10_000
/** RFC 3376 §5.2: no answer at once, whatever the query says. */
const LEAST_RESPONSE_MS = 100
/** RFC 3376 §9.1: a host may record only so many sources. Beyond it the answer covers them all. */
const MAX_QUERIED_SOURCES = 64
/** A report of that many fits into 576 bytes. */
const RECORDS_PER_REPORT = 64
const NO_SOURCES: readonly Ipv4[] = []

/** What is known of one group. A group that was left stays until its retransmissions are done. */
interface Member {
  readonly group: Ipv4
  joined: boolean
  /** Retransmissions of the state change that are left, and when the next is due. */
  changes: number
  changeAt: number
  /** When a query is to be answered. */
  responseAt: number
  /** Sources that the query asked about; undefined for all. */
  queried: Set<Ipv4> | undefined
  /** This host sent the last report that was heard (RFC 2236 §3). */
  lastReporter: boolean
}

/**
 * The group member's half of IGMP for memberships in EXCLUDE mode with no sources, which means any source: RFC 3376 §5, with the
 * compatibility modes of §7.2.
 *
 *     join   -> TO_EX {}, repeated [Robustness] - 1 times within 1 s each
 *     leave  -> TO_IN {}, likewise
 *     query  -> IS_EX {} within [Max Resp Time]; for queried sources B: IS_IN B
 *
 * Differs from the RFC in: responses to a general query are one burst, not spread (§5.2 allows it).
 */
export class Igmp {
  readonly #random: Random
  readonly #members = new Map<Ipv4, Member>()
  readonly #out: IgmpOut[] = []
  #generalAt = NEVER
  #v1Until = 0
  #v2Until = 0
  #robustness = ROBUSTNESS
  #queryIntervalMs = QUERY_INTERVAL_MS
  #deadline = NEVER

  constructor(random: Random) {
    this.#random = random
  }

  /** Host compatibility mode, RFC 3376 §7.2.1. */
  version(now: number): 1 | 2 | 3 {
    if (now < this.#v1Until) return 1
    return now < this.#v2Until ? 2 : 3
  }

  join(now: number, group: Ipv4): void {
    if (group === IPV4_ALL_SYSTEMS) return
    this.#change(now, group, true)
  }

  leave(now: number, group: Ipv4): void {
    if (group === IPV4_ALL_SYSTEMS) return
    this.#change(now, group, false)
  }

  #change(now: number, group: Ipv4, joined: boolean): void {
    const old = this.#members.get(group)
    const member: Member = old ?? {
      group,
      joined,
      changes: 0,
      changeAt: NEVER,
      responseAt: NEVER,
      queried: undefined,
      lastReporter: false,
    }
    this.#members.set(group, member)
    member.joined = joined
    member.changes = this.#robustness
    if (!joined) member.responseAt = NEVER
    this.#sendChange(now, member)
    this.#settle()
  }

  /** One of the [Robustness] transmissions of a state change, RFC 3376 §5.1, RFC 2236 §3. */
  #sendChange(now: number, m: Member): void {
    const version = this.version(now)
    if (version === 3) this.#report([record(m.joined ? 'TO_EX' : 'TO_IN', m.group)])
    else if (m.joined) this.#old(version === 1 ? IGMP_REPORT_V1 : IGMP_REPORT_V2, m)
    else {
      // An older querier asks who is left by itself, so one leave is enough; IGMPv1 has none.
      if (version === 2 && m.lastReporter) this.#out.push({ kind: 'old', type: IGMP_LEAVE, group: m.group })
      m.changes = 1
    }
    m.changes--
    m.changeAt =
      m.changes > 0 ? now + this.#within(version === 3 ? UNSOLICITED_REPORT_MS : UNSOLICITED_REPORT_V2_MS) : NEVER
    if (m.changes === 0 && !m.joined) this.#members.delete(m.group)
  }

  /** A message was heard that has been checked as RFC 3376 §9.1 says; `b` is what `message` was read from. */
  input(now: number, message: IgmpMessage, b: Uint8Array): void {
    this.timeout(now)
    if (message.type === IGMP_QUERY) this.#query(now, message, b)
    else if (message.type === IGMP_REPORT_V1 || message.type === IGMP_REPORT_V2) this.#heard(now, message.group)
    this.#settle()
  }

  /** RFC 2236 §3: another member answered. Reports of version 3 are not suppressed. */
  #heard(now: number, group: Ipv4): void {
    const m = this.#members.get(group)
    if (m === undefined || !m.joined || this.version(now) === 3) return
    m.responseAt = NEVER
    m.changeAt = NEVER
    m.changes = 0
    m.lastReporter = false
  }

  #query(now: number, q: IgmpMessage, b: Uint8Array) {
    if (q.version === 3) {
      if (q.robustness > 0) this.#robustness = q.robustness
      if (q.queryIntervalMs > 0) this.#queryIntervalMs = q.queryIntervalMs
    } else this.#hearOldQuerier(now, q)
    if (this.#members.size === 0) return
    if (this.version(now) !== 3) return this.#answerOld(now, q)
    const at = now + this.#within(Math.max(q.maxResponseMs, LEAST_RESPONSE_MS))
    if (this.#generalAt <= at) return
    if (q.group === 0) this.#generalAt = at
    else this.#answerSpecific(at, q, b)
  }

  #hearOldQuerier(now: number, q: IgmpMessage): void {
    const before = this.version(now)
    // RFC 3376 §8.12
    const until = now + this.#robustness * this.#queryIntervalMs + QUERY_RESPONSE_INTERVAL_MS
    if (q.version === 1) this.#v1Until = until
    else if (q.group === 0) this.#v2Until = until
    if (this.version(now) === before) return
    this.#generalAt = NEVER
    for (const m of this.#members.values()) {
      m.responseAt = NEVER
      m.changeAt = NEVER
      m.changes = 0
      if (!m.joined) this.#members.delete(m.group)
    }
  }

  /** RFC 2236 §3: every group has a timer of its own, which only a shorter one replaces. */
  #answerOld(now: number, q: IgmpMessage): void {
    for (const m of this.#members.values()) {
      if (!m.joined || (q.group !== 0 && q.group !== m.group)) continue
      if (m.responseAt - now > q.maxResponseMs)
        m.responseAt = now + this.#within(Math.max(q.maxResponseMs, LEAST_RESPONSE_MS))
    }
  }

  /** Rules 3 to 5 of RFC 3376 §5.2. */
  #answerSpecific(at: number, q: IgmpMessage, b: Uint8Array): void {
    const m = this.#members.get(q.group)
    if (m === undefined || !m.joined) return
    const pending = m.responseAt !== NEVER
    if (q.sourceCount === 0 || (pending && m.queried === undefined)) m.queried = undefined
    else {
      m.queried = pending && m.queried !== undefined ? m.queried : new Set()
      for (let i = 0; i < q.sourceCount; i++) m.queried.add(u32(b, q.sources + 4 * i) as Ipv4)
      if (m.queried.size > MAX_QUERIED_SOURCES) m.queried = undefined
    }
    m.responseAt = Math.min(m.responseAt, at)
  }

  timeout(now: number): void {
    if (now < this.#deadline) return
    const version = this.version(now)
    if (this.#generalAt <= now) {
      this.#generalAt = NEVER
      const all: IgmpRecord[] = []
      for (const m of this.#members.values()) if (m.joined) all.push(record('IS_EX', m.group))
      for (let i = 0; i < all.length; i += RECORDS_PER_REPORT) this.#report(all.slice(i, i + RECORDS_PER_REPORT))
    }
    for (const m of this.#members.values()) {
      if (m.changeAt <= now) this.#sendChange(now, m)
      if (m.responseAt > now) continue
      m.responseAt = NEVER
      if (version !== 3) this.#old(version === 1 ? IGMP_REPORT_V1 : IGMP_REPORT_V2, m)
      else this.#report([m.queried === undefined ? record('IS_EX', m.group) : record('IS_IN', m.group, [...m.queried])])
      m.queried = undefined
    }
    this.#settle()
  }

  poll(): IgmpOut | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    return this.#deadline
  }

  #settle(): void {
    let first = this.#generalAt
    for (const m of this.#members.values()) first = Math.min(first, m.changeAt, m.responseAt)
    this.#deadline = first
  }

  #report(records: readonly IgmpRecord[]): void {
    this.#out.push({ kind: 'report', records })
  }

  #old(type: number, m: Member): void {
    m.lastReporter = true
    this.#out.push({ kind: 'old', type, group: m.group })
  }

  /** Random in (0, ms]. */
  #within(ms: number): number {
    return ((this.#random.uint32() + 1) / 0x1_0000_0000) * ms
  }
}

function record(type: IgmpRecordType, group: Ipv4, sources: readonly Ipv4[] = NO_SOURCES): IgmpRecord {
  return { type, group, sources }
}
