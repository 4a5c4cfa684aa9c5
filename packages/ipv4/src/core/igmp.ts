import { IPV4_ALL_SYSTEMS, type Ipv4 } from '@fata/addr'
import { u32 } from '@fata/bytes'
import type { Random } from '@fata/runtime'
import { IGMP_LEAVE, IGMP_QUERY, IGMP_REPORT_V1, IGMP_REPORT_V2, type IgmpMessage, type IgmpRecord } from '../wire.ts'
import {
  currentState,
  differences,
  type GroupFilter,
  intoReports,
  isWanted,
  modeChange,
  NOT_WANTED,
  sourceChanges,
} from './igmp-records.ts'

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

/** What is known of one group. A group that was left stays until its retransmissions are done. */
interface Member {
  readonly group: Ipv4
  filter: GroupFilter
  /** Reports that are left to be sent of a change of mode, or of a join of an older version, and when the next is due. */
  changes: number
  changeAt: number
  /** The same of each source that has been added or removed. */
  readonly changed: Map<Ipv4, number>
  /** When a query is to be answered. */
  responseAt: number
  /** Sources that the query asked about; undefined for all. */
  queried: Set<Ipv4> | undefined
  /** This host sent the last report that was heard (RFC 2236 §3). */
  lastReporter: boolean
}

/**
 * The group member's half of IGMP: RFC 3376 §5, with the compatibility modes of §7.2. A group that is joined from every source has the
 * filter EXCLUDE {}, one that is not joined INCLUDE {}.
 *
 *     another mode          -> TO_EX A or TO_IN A, repeated [Robustness] - 1 times within 1 s each
 *     other sources         -> ALLOW and BLOCK of those that changed, likewise
 *     query                 -> IS_EX A or IS_IN A within [Max Resp Time]
 *     query for sources B   -> IS_IN of those of B that are wanted, likewise
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

  /** The group is wanted as `filter` says from here on; INCLUDE {} leaves it. */
  change(now: number, group: Ipv4, filter: GroupFilter): void {
    if (group === IPV4_ALL_SYSTEMS) return
    const m = this.#members.get(group) ?? newMember(group)
    const before = m.filter
    m.filter = filter
    this.#members.set(group, m)
    if (!isWanted(filter)) m.responseAt = NEVER
    if (this.#countChanges(now, m, before)) this.#sendChange(now, m)
    else if (!this.#isDue(m) && !isWanted(filter)) this.#members.delete(group)
    this.#settle()
  }

  /** Returns whether there is anything to tell. */
  #countChanges(now: number, m: Member, before: GroupFilter): boolean {
    if (this.version(now) !== 3) {
      if (isWanted(before) === isWanted(m.filter)) return false
      m.changes = this.#robustness
      return true
    }
    if (before.mode !== m.filter.mode) {
      m.changes = this.#robustness
      m.changed.clear()
      return true
    }
    const changed = differences(before, m.filter)
    for (const source of changed) m.changed.set(source, this.#robustness)
    return changed.length > 0
  }

  /** One of the [Robustness] transmissions of a state change, RFC 3376 §5.1, RFC 2236 §3. */
  #sendChange(now: number, m: Member): void {
    const version = this.version(now)
    if (version === 3) this.#sendRecords(m)
    else this.#sendOldChange(version, m)
    const within = version === 3 ? UNSOLICITED_REPORT_MS : UNSOLICITED_REPORT_V2_MS
    m.changeAt = this.#isDue(m) ? now + this.#within(within) : NEVER
    if (m.changeAt === NEVER && !isWanted(m.filter)) this.#members.delete(m.group)
  }

  /** A change of mode tells all sources, and so covers their changes. */
  #sendRecords(m: Member): void {
    if (m.changes > 0) {
      m.changes--
      this.#report([modeChange(m.group, m.filter)])
    } else this.#report(sourceChanges(m.group, m.filter, m.changed.keys()))
    for (const [source, left] of m.changed) {
      if (left > 1) m.changed.set(source, left - 1)
      else m.changed.delete(source)
    }
  }

  #sendOldChange(version: 1 | 2, m: Member): void {
    if (isWanted(m.filter)) {
      m.changes--
      this.#old(version === 1 ? IGMP_REPORT_V1 : IGMP_REPORT_V2, m)
      return
    }
    // An older querier asks who is left by itself, so one leave is enough; IGMPv1 has none.
    m.changes = 0
    if (version === 2 && m.lastReporter) this.#out.push({ kind: 'old', type: IGMP_LEAVE, group: m.group })
  }

  #isDue(m: Member): boolean {
    return m.changes > 0 || m.changed.size > 0
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
    if (m === undefined || !isWanted(m.filter) || this.version(now) === 3) return
    forgetReports(m)
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
      forgetReports(m)
      if (!isWanted(m.filter)) this.#members.delete(m.group)
    }
  }

  /** RFC 2236 §3: every group has a timer of its own, which only a shorter one replaces. */
  #answerOld(now: number, q: IgmpMessage): void {
    for (const m of this.#members.values()) {
      if (!isWanted(m.filter) || (q.group !== 0 && q.group !== m.group)) continue
      if (m.responseAt - now > q.maxResponseMs)
        m.responseAt = now + this.#within(Math.max(q.maxResponseMs, LEAST_RESPONSE_MS))
    }
  }

  /** Rules 3 to 5 of RFC 3376 §5.2. */
  #answerSpecific(at: number, q: IgmpMessage, b: Uint8Array): void {
    const m = this.#members.get(q.group)
    if (m === undefined || !isWanted(m.filter)) return
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
      const members = [...this.#members.values()].filter((m) => isWanted(m.filter))
      this.#report(members.flatMap((m) => currentState(m.group, m.filter)))
    }
    for (const m of this.#members.values()) {
      if (m.changeAt <= now) this.#sendChange(now, m)
      if (m.responseAt > now) continue
      m.responseAt = NEVER
      if (version !== 3) this.#old(version === 1 ? IGMP_REPORT_V1 : IGMP_REPORT_V2, m)
      else this.#report(currentState(m.group, m.filter, m.queried))
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
    for (const report of intoReports(records)) this.#out.push({ kind: 'report', records: report })
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

function newMember(group: Ipv4): Member {
  return {
    group,
    filter: NOT_WANTED,
    changes: 0,
    changeAt: NEVER,
    changed: new Map(),
    responseAt: NEVER,
    queried: undefined,
    lastReporter: false,
  }
}

function forgetReports(m: Member): void {
  m.responseAt = NEVER
  m.changeAt = NEVER
  m.changes = 0
  m.changed.clear()
}
