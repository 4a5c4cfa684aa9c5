import { type Ipv6, ipv6Equals } from '@fata/addr'
import { ROUTER_ALERT_LEN } from '../wire/extension-headers.ts'
import { IPV6_HEADER_LEN } from '../wire/ipv6-header.ts'
import { MLD_RECORD_LEN, MLD_REPORT_LEN, type MldRecord, type MldRecordType } from '../wire/mld.ts'

/** Whom a group is wanted from, RFC 3810 §4.2. */
export interface GroupFilter {
  readonly mode: 'include' | 'exclude'
  readonly sources: readonly Ipv6[]
}

/** A group that nobody is in. */
export const NOT_WANTED: GroupFilter = Object.freeze({ mode: 'include', sources: Object.freeze([]) })

const HEADERS = IPV6_HEADER_LEN + ROUTER_ALERT_LEN + MLD_REPORT_LEN + MLD_RECORD_LEN
/** Sources of a record that fills a report of 1280 bytes. */
export const MAX_SOURCES: number = Math.floor((1280 - HEADERS) / 16)

export function isWanted({ mode, sources }: GroupFilter): boolean {
  return mode === 'exclude' || sources.length > 0
}

export function passes({ mode, sources }: GroupFilter, source: Ipv6): boolean {
  return includes(sources, source) === (mode === 'include')
}

export function includes(sources: readonly Ipv6[], source: Ipv6): boolean {
  return sources.some((other) => ipv6Equals(other, source))
}

/** The sources about which two filters of one mode differ. */
export function differences(before: GroupFilter, after: GroupFilter): Ipv6[] {
  const lost = before.sources.filter((source) => !includes(after.sources, source))
  return [...lost, ...after.sources.filter((source) => !includes(before.sources, source))]
}

/** The Filter Mode Change Record of §5.2.12. */
export function modeChange(group: Ipv6, { mode, sources }: GroupFilter): MldRecord {
  return { type: mode === 'exclude' ? 'to-exclude' : 'to-include', group, sources }
}

/** The Source List Change Records of §5.2.12 about sources that `filter` treats differently than before. */
export function sourceChanges(group: Ipv6, filter: GroupFilter, changed: readonly Ipv6[]): MldRecord[] {
  const allowed = changed.filter((source) => passes(filter, source))
  const blocked = changed.filter((source) => !passes(filter, source))
  return [...some('allow', group, allowed), ...some('block', group, blocked)]
}

/** The Current State Record of §6.3, about `queried` sources or, where there are none, about all; none where there is nothing to say. */
export function currentState(group: Ipv6, filter: GroupFilter, queried: readonly Ipv6[]): MldRecord[] {
  if (queried.length > 0) {
    const wanted = queried.filter((source) => passes(filter, source))
    return some('is-include', group, wanted)
  }
  return [{ type: filter.mode === 'exclude' ? 'is-exclude' : 'is-include', group, sources: filter.sources }]
}

/** Records about `sources`, of which each report can hold so many. */
function some(type: MldRecordType, group: Ipv6, sources: readonly Ipv6[]): MldRecord[] {
  const records: MldRecord[] = []
  for (let i = 0; i < sources.length; i += MAX_SOURCES) {
    records.push({ type, group, sources: sources.slice(i, i + MAX_SOURCES) })
  }
  return records
}
