import { type IpAddress, ipEquals } from '@fata/addr'

/** The multicast half of an IP layer, for transports whose sockets join groups. */
export interface IpGroups {
  /**
   * Receives packets to `group` from here on, from everybody or as `filter` says, and tells routers so (IGMP, MLD). Every call is a
   * membership of its own: a sender is heard where one of them wants it, and the group is left with the last. What a filter keeps out for
   * one membership may still arrive for another, so transports look themselves, see `passesFilter`.
   *
   * Throws a RangeError where it is no group, there are too many, or their sources are; IpError `ERR_IP_FAMILY`; NetError
   * `ERR_NET_CLOSED`.
   */
  join(group: IpAddress, filter?: SourceFilter): GroupMembership
}

/** What `IpGroups.join` returns. */
export interface GroupMembership {
  /** Hears whom `filter` lets pass from here on. Throws a RangeError where its sources are too many. */
  change(filter: SourceFilter): void
  /** Idempotent. */
  leave(): void
}

/** Which senders of a group are heard: only the sources, or everybody else (RFC 3376 §2, RFC 3810 §3). */
export interface SourceFilter {
  readonly mode: 'include' | 'exclude'
  readonly sources: readonly IpAddress[]
}

/** The filter of any-source multicast. */
export const EVERY_SOURCE: SourceFilter = Object.freeze({ mode: 'exclude', sources: Object.freeze([]) })

/** Whether `filter` lets a packet from `source` pass. */
export function passesFilter(filter: SourceFilter, source: IpAddress): boolean {
  return has(filter.sources, source) === (filter.mode === 'include')
}

/**
 * The filter of an interface whose memberships have `filters`, RFC 3376 §3.2: it lets pass whatever one of them does. No filter at all
 * lets nothing pass.
 */
export function mergeFilters(filters: Iterable<SourceFilter>): SourceFilter {
  const included: IpAddress[] = []
  let excluded: IpAddress[] | undefined
  for (const { mode, sources } of filters) {
    if (mode === 'include') for (const source of sources) add(included, source)
    else if (excluded !== undefined) excluded = excluded.filter((source) => has(sources, source))
    else {
      excluded = []
      for (const source of sources) add(excluded, source)
    }
  }
  if (excluded === undefined) return { mode: 'include', sources: included }
  return { mode: 'exclude', sources: excluded.filter((source) => !has(included, source)) }
}

function add(list: IpAddress[], source: IpAddress): void {
  if (!has(list, source)) list.push(source)
}

function has(list: readonly IpAddress[], source: IpAddress): boolean {
  for (let i = 0; i < list.length; i++) if (ipEquals(list[i]!, source)) return true
  return false
}
