import type { Ipv6 } from '@fata/addr'
import type { SourceFilter } from '@fata/ip'
import type { MldRecord } from '../wire/mld.ts'
import { differences, type GroupFilter, includes, modeChange, NOT_WANTED, sourceChanges } from './mld-records.ts'

const NEVER = Number.POSITIVE_INFINITY

/** What is known of one group, RFC 3810 §4.2 and §6. */
export interface Group {
  readonly group: Ipv6
  /** By membership: what each wants. */
  readonly filters: Map<unknown, SourceFilter>
  /** What they want together; nothing while the leave is still being reported. */
  filter: GroupFilter
  /** Reports of a change of mode that are still to be sent, the same of each source that has changed, and when the next is due. */
  changesLeft: number
  changed: { readonly source: Ipv6; left: number }[]
  changeAt: number
  /** When a query about this group is answered. */
  answerAt: number
  /** Sources that were asked for; empty for the group as such. */
  sources: readonly Ipv6[]
}

/** A group that nobody wants yet. */
export function createGroup(group: Ipv6): Group {
  return {
    group,
    filters: new Map(),
    filter: NOT_WANTED,
    changesLeft: 0,
    changed: [],
    changeAt: NEVER,
    answerAt: NEVER,
    sources: [],
  }
}

/** The filter was `before`: what is different is to be reported `robustness` times, §6.1. Says whether there is anything. */
export function noteChange(group: Group, before: GroupFilter, robustness: number): boolean {
  if (before.mode !== group.filter.mode) {
    group.changesLeft = robustness
    group.changed = []
    return true
  }
  const changed = differences(before, group.filter)
  const others = group.changed.filter(({ source }) => !includes(changed, source))
  group.changed = [...others, ...changed.map((source) => ({ source, left: robustness }))]
  return changed.length > 0
}

/** One of the transmissions of a change; a change of mode tells all sources, and so covers theirs. */
export function takeChange(group: Group): MldRecord[] {
  const changed = group.changed.map(({ source }) => source)
  for (const source of group.changed) source.left--
  group.changed = group.changed.filter(({ left }) => left > 0)
  if (group.changesLeft === 0) return sourceChanges(group.group, group.filter, changed)
  group.changesLeft--
  return [modeChange(group.group, group.filter)]
}

/** There is still something to be reported. */
export function isChanging({ changesLeft, changed }: Group): boolean {
  return changesLeft > 0 || changed.length > 0
}
