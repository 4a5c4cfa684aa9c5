import { IPV6_ALL_NODES, type Ipv6, ipv6Equals, ipv6MulticastScope, isIpv6Any } from '@fata/addr'
import type { Random } from '@fata/runtime'
import type { MldQuery, MldRecord } from '../wire/mld.ts'
import { Outbox } from './outbox.ts'

/**
 * The listener's part of MLDv2, RFC 3810 §6 and §8.2, for listeners that want a group from every source: the filter of a joined group is
 * EXCLUDE {}, that of any other INCLUDE {}.
 *
 *   event                                   action
 *   --------------------------------------  ------------------------------------------------------------------------
 *   first join of a group                   report TO_EX, [Robustness Variable] times
 *   last leave of a group                   report TO_IN, [Robustness Variable] times
 *   general query                           after a random delay report IS_EX of every group
 *   query for a group                       after a random delay report IS_EX
 *   query for sources of a group            after a random delay report IS_IN of these
 *   the link-local address becomes usable   report TO_EX of every group: routers ignore reports from `::` (§5.2.13)
 *   query of version 1                      for a time, the messages of RFC 2710 in place of these
 *   version 1 report of another listener    in version 1, the own one is not needed
 */
export interface MldOptions {
  readonly robustness: number
  readonly unsolicitedReportIntervalMs: number
  /** Groups that may be joined. */
  readonly maxGroups: number
}

export type MldOut =
  | { readonly kind: 'report'; readonly records: readonly MldRecord[] }
  | { readonly kind: 'report-v1' | 'done-v1'; readonly group: Ipv6 }

interface Group {
  readonly group: Ipv6
  /** 0 while the leave is still being reported. */
  members: number
  /** State change reports still to be sent, and when the next is due. */
  changesLeft: number
  changeAt: number
  /** When a query about this group is answered. */
  answerAt: number
  /** Sources that were asked for; empty for the group as such. */
  sources: readonly Ipv6[]
}

const NEVER = Number.POSITIVE_INFINITY
/** What a query may make us remember; an answer about the whole group covers more than that. */
const MAX_QUERIED_SOURCES = 64
/** RFC 3810 §9.2 and §9.3, for the timeout of §9.12. */
const QUERY_INTERVAL_MS = 125_000
const QUERY_RESPONSE_INTERVAL_MS = 10_000

export class Mld {
  readonly #options: MldOptions
  readonly #random: Random
  readonly #out = new Outbox<MldOut>()
  readonly #groups: Group[] = []
  #generalAnswerAt = NEVER
  /** Older Version Querier Present timer, §8.2.1; 0 while it does not run. */
  #version1Until = 0

  constructor(options: MldOptions, random: Random) {
    this.#options = options
    this.#random = random
  }

  /** Joined groups. */
  get groups(): readonly Ipv6[] {
    return this.#groups.filter((g) => g.members > 0).map((g) => g.group)
  }

  get isFull(): boolean {
    return this.groups.length >= this.#options.maxGroups
  }

  isMember(group: Ipv6): boolean {
    const known = this.#find(group)
    return known !== undefined && known.members > 0
  }

  #find(group: Ipv6): Group | undefined {
    return this.#groups.find((g) => ipv6Equals(g.group, group))
  }

  /** One more wants `group`. */
  join(now: number, group: Ipv6): void {
    let known = this.#find(group)
    if (known === undefined) {
      known = { group, members: 0, changesLeft: 0, changeAt: NEVER, answerAt: NEVER, sources: [] }
      this.#groups.push(known)
    }
    known.members++
    if (known.members === 1) this.#announce(now, known)
  }

  /** One less wants `group`. */
  leave(now: number, group: Ipv6): void {
    const known = this.#find(group)
    if (known === undefined || known.members === 0) return
    known.members--
    if (known.members > 0) return
    known.answerAt = NEVER
    this.#announce(now, known)
  }

  /** Reports what has become of `group`, and again later. */
  #announce(now: number, group: Group): void {
    group.changesLeft = isReported(group.group) ? this.#options.robustness : 0
    // RFC 2710 §4: a done is sent once.
    if (this.#isVersion1(now) && group.members === 0) group.changesLeft = Math.min(group.changesLeft, 1)
    group.changeAt = group.changesLeft === 0 ? NEVER : now
    this.#reportChanges(now)
  }

  /** Reports every group once more, since routers did not heed the reports before. */
  linkLocalReady(now: number): void {
    for (const group of this.#groups) {
      if (group.members === 0 || !isReported(group.group)) continue
      group.changesLeft = this.#options.robustness
      group.changeAt = now
    }
    this.#reportChanges(now)
  }

  /** Leaves everything, with one report: the last thing that is heard of this host. */
  close(now: number): void {
    for (const group of this.#groups) {
      if (group.members === 0) continue
      group.members = 0
      group.changesLeft = isReported(group.group) ? 1 : 0
      group.changeAt = group.changesLeft === 0 ? NEVER : now
    }
    this.#reportChanges(now)
  }

  /** A valid query: §6.2. */
  query(now: number, query: MldQuery): void {
    if (query.version === 1) this.#enterVersion1(now)
    const version1 = this.#isVersion1(now)
    const delay = this.#randomDelay(query.maxResponseDelay)
    const at = now + delay
    if (isIpv6Any(query.group)) {
      if (version1)
        for (const group of this.#groups) this.#answer(group, now + this.#randomDelay(query.maxResponseDelay), [])
      else if (at < this.#generalAnswerAt) this.#generalAnswerAt = at
      return
    }
    const group = this.#find(query.group)
    if (group === undefined || this.#generalAnswerAt <= at) return
    this.#answer(group, at, query.sources)
  }

  /** Uniform in 0..ms. */
  #randomDelay(ms: number): number {
    return (ms * this.#random.uint32()) / 0x1_0000_0000
  }

  /** Rules 3 to 5 of §6.2. */
  #answer(group: Group, at: number, sources: readonly Ipv6[]): void {
    if (group.members === 0 || !isReported(group.group)) return
    const pending = group.answerAt !== NEVER
    const all = pending && (sources.length === 0 || group.sources.length === 0) ? [] : [...group.sources, ...sources]
    group.sources = all.length > MAX_QUERIED_SOURCES ? [] : all
    group.answerAt = Math.min(group.answerAt, at)
  }

  /** §8.2.1: a change of mode cancels what is pending. */
  #enterVersion1(now: number): void {
    if (!this.#isVersion1(now)) this.#cancelPending()
    const { robustness } = this.#options
    this.#version1Until = now + robustness * QUERY_INTERVAL_MS + QUERY_RESPONSE_INTERVAL_MS
  }

  #isVersion1(now: number): boolean {
    return now < this.#version1Until
  }

  #cancelPending(): void {
    this.#generalAnswerAt = NEVER
    for (const group of this.#groups) {
      group.changesLeft = 0
      group.changeAt = NEVER
      group.answerAt = NEVER
      group.sources = []
    }
    this.#forgetLeft()
  }

  /** Another listener has reported `group` in version 1: RFC 2710 §4. */
  heardReport(now: number, group: Ipv6): void {
    const known = this.#find(group)
    if (known !== undefined && this.#isVersion1(now)) known.answerAt = NEVER
  }

  deadline(): number {
    let at = Math.min(this.#generalAnswerAt, this.#version1Until === 0 ? NEVER : this.#version1Until)
    for (const group of this.#groups) at = Math.min(at, group.changeAt, group.answerAt)
    return at
  }

  poll(): MldOut | undefined {
    return this.#out.poll()
  }

  timeout(now: number): void {
    if (this.#version1Until !== 0 && this.#version1Until <= now) {
      this.#version1Until = 0
      this.#cancelPending()
    }
    if (this.#generalAnswerAt <= now) this.#answerGeneral()
    for (const group of this.#groups) if (group.answerAt <= now) this.#answerNow(now, group)
    this.#reportChanges(now)
  }

  #answerGeneral(): void {
    this.#generalAnswerAt = NEVER
    const records: MldRecord[] = []
    for (const { group, members } of this.#groups) {
      if (members > 0 && isReported(group)) records.push({ type: 'is-exclude', group, sources: [] })
    }
    if (records.length > 0) this.#out.push({ kind: 'report', records })
  }

  #answerNow(now: number, group: Group): void {
    const { sources } = group
    group.answerAt = NEVER
    group.sources = []
    if (this.#isVersion1(now)) this.#out.push({ kind: 'report-v1', group: group.group })
    else {
      const type = sources.length === 0 ? 'is-exclude' : 'is-include'
      this.#out.push({ kind: 'report', records: [{ type, group: group.group, sources }] })
    }
  }

  /** Every state change report that is due, in one message where the version allows it. */
  #reportChanges(now: number): void {
    const records: MldRecord[] = []
    for (const group of this.#groups) {
      if (group.changesLeft === 0 || group.changeAt > now) continue
      group.changesLeft--
      group.changeAt =
        group.changesLeft === 0 ? NEVER : now + this.#randomDelay(this.#options.unsolicitedReportIntervalMs)
      const joined = group.members > 0
      if (this.#isVersion1(now)) this.#out.push({ kind: joined ? 'report-v1' : 'done-v1', group: group.group })
      else records.push({ type: joined ? 'to-exclude' : 'to-include', group: group.group, sources: [] })
    }
    if (records.length > 0) this.#out.push({ kind: 'report', records })
    this.#forgetLeft()
  }

  /** Groups that nobody wants and of which everything is reported. */
  #forgetLeft(): void {
    const kept = this.#groups.filter((group) => group.members > 0 || group.changesLeft > 0)
    this.#groups.splice(0, this.#groups.length, ...kept)
  }
}

/** No messages about all nodes, or of a scope within the node: RFC 3810 §6. */
function isReported(group: Ipv6): boolean {
  return ipv6MulticastScope(group) > 1 && !ipv6Equals(group, IPV6_ALL_NODES)
}
