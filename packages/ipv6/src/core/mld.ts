import { IPV6_ALL_NODES, type Ipv6, ipv6Equals, ipv6MulticastScope, isIpv6Any } from '@fata/addr'
import { mergeFilters, type SourceFilter } from '@fata/ip'
import type { Random } from '@fata/runtime'
import type { MldQuery, MldRecord } from '../wire/mld.ts'
import { createGroup, type Group, isChanging, noteChange, takeChange } from './mld-group.ts'
import { currentState, type GroupFilter, isWanted, NOT_WANTED, passes } from './mld-records.ts'
import { Outbox } from './outbox.ts'

/**
 * The listener's part of MLDv2, RFC 3810 §6 and §8.2. The filter of a group that is wanted from every source is EXCLUDE {}, that of one
 * that is not wanted INCLUDE {}; A are the sources of a filter.
 *
 *   event                                   action
 *   --------------------------------------  ------------------------------------------------------------------------
 *   the filter has another mode             report TO_EX A or TO_IN A, [Robustness Variable] times
 *   the filter has other sources            report ALLOW and BLOCK of those that changed, likewise
 *   general query                           after a random delay report IS_EX A or IS_IN A of every group
 *   query for a group                       after a random delay report likewise
 *   query for sources of a group            after a random delay report IS_IN of those that are wanted
 *   the link-local address becomes usable   report the mode of every group: routers ignore reports from `::` (§5.2.13)
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
    return this.#groups.filter((g) => isWanted(g.filter)).map((g) => g.group)
  }

  get isFull(): boolean {
    return this.groups.length >= this.#options.maxGroups
  }

  isMember(group: Ipv6): boolean {
    const known = this.#find(group)
    return known !== undefined && isWanted(known.filter)
  }

  /** Whether packets from `source` to `group`, which is joined or about all nodes, are wanted. */
  passes(group: Ipv6, source: Ipv6): boolean {
    const known = this.#find(group)
    return known === undefined || passes(known.filter, source)
  }

  /** What the memberships of `group` want together if `membership` wants `filter`. */
  merge(group: Ipv6, membership: unknown, filter: SourceFilter): GroupFilter {
    return merged(new Map(this.#find(group)?.filters).set(membership, filter))
  }

  #find(group: Ipv6): Group | undefined {
    return this.#groups.find((g) => ipv6Equals(g.group, group))
  }

  /** `membership`, which nobody else calls itself, wants `group` as `filter` says, or not at all. */
  set(now: number, group: Ipv6, membership: unknown, filter: SourceFilter | undefined): void {
    let known = this.#find(group)
    if (known === undefined) {
      if (filter === undefined) return
      known = createGroup(group)
      this.#groups.push(known)
    }
    if (filter === undefined) known.filters.delete(membership)
    else known.filters.set(membership, filter)
    const before = known.filter
    known.filter = merged(known.filters)
    if (!isWanted(known.filter)) known.answerAt = NEVER
    this.#announce(now, known, before)
  }

  /** Reports what has become of `group`, and again later. */
  #announce(now: number, group: Group, before: GroupFilter): void {
    const { robustness } = this.#options
    const { filter } = group
    if (!isReported(group.group)) {
      this.#forgetLeft()
      return
    }
    if (this.#isVersion1(now)) {
      if (isWanted(before) === isWanted(filter)) return
      // RFC 2710 §4: a done is sent once.
      group.changesLeft = isWanted(filter) ? robustness : 1
    } else if (!noteChange(group, before, robustness)) return
    group.changeAt = now
    this.#reportChanges(now)
  }

  /** Reports every group once more, since routers did not heed the reports before. */
  linkLocalReady(now: number): void {
    for (const group of this.#groups) {
      if (!isWanted(group.filter) || !isReported(group.group)) continue
      group.changesLeft = this.#options.robustness
      group.changed = []
      group.changeAt = now
    }
    this.#reportChanges(now)
  }

  /** Leaves everything, with one report: the last thing that is heard of this host. */
  close(now: number): void {
    for (const group of this.#groups) {
      if (!isWanted(group.filter)) continue
      group.filters.clear()
      group.filter = NOT_WANTED
      group.changed = []
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
    if (!isWanted(group.filter) || !isReported(group.group)) return
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
      group.changed = []
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
    for (const { group, filter } of this.#groups) {
      if (isWanted(filter) && isReported(group)) records.push(...currentState(group, filter, []))
    }
    this.#report(records)
  }

  #report(records: readonly MldRecord[]): void {
    if (records.length > 0) this.#out.push({ kind: 'report', records })
  }

  #answerNow(now: number, group: Group): void {
    const { sources } = group
    group.answerAt = NEVER
    group.sources = []
    if (this.#isVersion1(now)) this.#out.push({ kind: 'report-v1', group: group.group })
    else this.#report(currentState(group.group, group.filter, sources))
  }

  /** Every state change report that is due, in one message where the version allows it. */
  #reportChanges(now: number): void {
    const records: MldRecord[] = []
    for (const group of this.#groups) {
      if (group.changeAt > now) continue
      if (this.#isVersion1(now)) this.#reportOldChange(group)
      else records.push(...takeChange(group))
      const delay = this.#randomDelay(this.#options.unsolicitedReportIntervalMs)
      group.changeAt = isChanging(group) ? now + delay : NEVER
    }
    this.#report(records)
    this.#forgetLeft()
  }

  #reportOldChange(group: Group): void {
    group.changesLeft--
    this.#out.push({ kind: isWanted(group.filter) ? 'report-v1' : 'done-v1', group: group.group })
  }

  /** Groups that nobody wants and of which everything is reported. */
  #forgetLeft(): void {
    const kept = this.#groups.filter((group) => isWanted(group.filter) || group.changeAt !== NEVER)
    this.#groups.splice(0, this.#groups.length, ...kept)
  }
}

function merged(filters: ReadonlyMap<unknown, SourceFilter>): GroupFilter {
  return mergeFilters(filters.values()) as GroupFilter
}

/** No messages about all nodes, or of a scope within the node: RFC 3810 §6. */
function isReported(group: Ipv6): boolean {
  return ipv6MulticastScope(group) > 1 && !ipv6Equals(group, IPV6_ALL_NODES)
}
