import type { Ipv4 } from '@fata/addr'
import { type IgmpRecord, type IgmpRecordType, igmpRecordLength } from '../wire.ts'

/** Whom a group is wanted from, RFC 3376 §3.2. */
export interface GroupFilter {
  readonly mode: 'include' | 'exclude'
  readonly sources: readonly Ipv4[]
}

/** A group that nobody is in. */
export const NOT_WANTED: GroupFilter = Object.freeze({ mode: 'include', sources: Object.freeze([]) })

/** A report with records of that many bytes fits into 576 bytes with its headers. */
const RECORDS_BYTES = 544
/** Sources of a record that fills one. */
export const MAX_SOURCES: number = (RECORDS_BYTES - 8) / 4

export function isWanted({ mode, sources }: GroupFilter): boolean {
  return mode === 'exclude' || sources.length > 0
}

/** The sources about which two filters of one mode differ. */
export function differences(before: GroupFilter, after: GroupFilter): Ipv4[] {
  const lost = before.sources.filter((source) => !after.sources.includes(source))
  return [...lost, ...after.sources.filter((source) => !before.sources.includes(source))]
}

/** The Filter-Mode-Change Record of §4.2.12. */
export function modeChange(group: Ipv4, { mode, sources }: GroupFilter): IgmpRecord {
  return { type: mode === 'exclude' ? 'TO_EX' : 'TO_IN', group, sources }
}

/** The Source-List-Change Records of §4.2.12 about sources that `filter` treats differently than before. */
export function sourceChanges(group: Ipv4, filter: GroupFilter, changed: Iterable<Ipv4>): IgmpRecord[] {
  const allowed: Ipv4[] = []
  const blocked: Ipv4[] = []
  for (const source of changed) (passes(filter, source) ? allowed : blocked).push(source)
  return [some('ALLOW', group, allowed), some('BLOCK', group, blocked)].flat()
}

/** The Current-State Record of §5.2, about `queried` sources or about all; none where there is nothing to say. */
export function currentState(group: Ipv4, filter: GroupFilter, queried?: Iterable<Ipv4>): IgmpRecord[] {
  if (queried !== undefined)
    return some(
      'IS_IN',
      group,
      [...queried].filter((source) => passes(filter, source)),
    )
  return [{ type: filter.mode === 'exclude' ? 'IS_EX' : 'IS_IN', group, sources: filter.sources }]
}

/** As few reports as fit into 576 bytes each. */
export function intoReports(records: readonly IgmpRecord[]): (readonly IgmpRecord[])[] {
  const reports: IgmpRecord[][] = []
  let room = 0
  for (const record of records) {
    const length = igmpRecordLength(record)
    if (length > room) {
      reports.push([])
      room = RECORDS_BYTES
    }
    reports.at(-1)!.push(record)
    room -= length
  }
  return reports
}

function passes({ mode, sources }: GroupFilter, source: Ipv4): boolean {
  return sources.includes(source) === (mode === 'include')
}

/** Records about `sources`, of which each report can hold so many (§4.2.16). */
function some(type: IgmpRecordType, group: Ipv4, sources: readonly Ipv4[]): IgmpRecord[] {
  const records: IgmpRecord[] = []
  for (let i = 0; i < sources.length; i += MAX_SOURCES)
    records.push({ type, group, sources: sources.slice(i, i + MAX_SOURCES) })
  return records
}
