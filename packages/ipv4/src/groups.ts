import {
  formatIp,
  formatIpv4,
  IPV4_ALL_SYSTEMS,
  IPV4_ANY,
  type Ipv4,
  ipv4,
  isIpv4,
  isIpv4Multicast,
  type Mac,
  multicastMac,
} from '@fata/addr'
import { EVERY_SOURCE, type GroupMembership, IpError, mergeFilters, passesFilter, type SourceFilter } from '@fata/ip'
import { ETHERTYPE_IPV4 } from '@fata/link'
import type { Fill } from '@fata/net'
import { isSingleHost } from './core/error-rules.ts'
import type { IgmpOut } from './core/igmp.ts'
import type { GroupFilter } from './core/igmp-records.ts'
import { countUnsent, type Host } from './host.ts'
import {
  createHeader,
  createIgmpMessage,
  decodeIgmp,
  encode,
  encodeIgmp,
  encodeIgmpReport,
  HEADER_LEN,
  hasRouterAlert,
  IGMP_LEAVE,
  IGMP_LEN,
  IGMP_QUERY,
  type IgmpMalformed,
  type Ipv4Header,
  igmpRecordLength,
  ROUTER_ALERT,
} from './wire.ts'

/** IANA's number. */
export const PROTOCOL_IGMP = 2

/** RFC 3376 §4 */
const INTERNETWORK_CONTROL = 0xc0
/** RFC 3376 §4.2.14, RFC 2236 §3. */
const IGMP_V3_ROUTERS = ipv4('224.0.0.22')
const ALL_ROUTERS = ipv4('224.0.0.2')

/** Why an IGMP message is ignored. */
export type IgmpRefusal = IgmpMalformed | 'igmp-disabled' | 'igmp-no-alert' | 'igmp-bad-destination'

/** The memberships of one group, and what they want together. */
interface Joined {
  readonly filters: ReadonlyMap<object, SourceFilter>
  readonly filter: GroupFilter
}

/** The multicast groups that this host is in, and IGMP's messages about them. */
export class Groups {
  readonly #host: Host
  readonly #joined = new Map<Ipv4, Joined>()
  readonly #message = createIgmpMessage()
  readonly #header: Ipv4Header = createHeader()
  #out: IgmpOut | undefined

  constructor(host: Host) {
    this.#host = host
    this.#header.headerLength = HEADER_LEN + ROUTER_ALERT.length
    this.#header.trafficClass = INTERNETWORK_CONTROL
    this.#header.dontFragment = true
    this.#header.ttl = 1
    this.#header.protocol = PROTOCOL_IGMP
  }

  /** Why a packet from `src` to `group` is not for this host; undefined where it is. Everybody is in 224.0.0.1 (RFC 1112 §4). */
  refuse(group: Ipv4, src: Ipv4): 'not-joined' | 'source-filtered' | undefined {
    if (group === IPV4_ALL_SYSTEMS) return undefined
    const joined = this.#joined.get(group)
    if (joined === undefined) return 'not-joined'
    return passesFilter(joined.filter, src) ? undefined : 'source-filtered'
  }

  join(group: Ipv4, filter: SourceFilter = EVERY_SOURCE): GroupMembership {
    const { maxGroups } = this.#host.settings
    if (!isIpv4Multicast(group)) throw new RangeError(`not a multicast group: ${formatIpv4(group)}`)
    if (!this.#joined.has(group) && this.#joined.size >= maxGroups)
      throw new RangeError(`more than ${maxGroups} groups: ${formatIpv4(group)}`)
    // Its own object, by which it is found.
    const membership = {}
    this.#set(group, membership, this.#checked(filter))
    let joined = true
    return {
      change: (next) => {
        if (joined) this.#set(group, membership, this.#checked(next))
      },
      leave: () => {
        if (joined) this.#set(group, membership, undefined)
        joined = false
      },
    }
  }

  /** One membership has another filter, or none any more. Throws where the sources of all are too many; nothing has changed then. */
  #set(group: Ipv4, membership: object, filter: SourceFilter | undefined): void {
    const { settings, driver } = this.#host
    const filters = new Map(this.#joined.get(group)?.filters)
    if (filter === undefined) filters.delete(membership)
    else filters.set(membership, filter)
    const merged = mergeFilters(filters.values()) as GroupFilter
    if (filter !== undefined) this.#checkCount(merged)
    if (filters.size === 0) this.#joined.delete(group)
    else this.#joined.set(group, { filters, filter: merged })
    if (settings.igmp) driver.step((core, now) => core.igmp.change(now, group, merged))
  }

  /** A copy. Throws where a source is of the other family or no host, and where there are too many. */
  #checked({ mode, sources }: SourceFilter): SourceFilter {
    for (const source of sources) {
      if (!isIpv4(source)) throw new IpError('ERR_IP_FAMILY', `not an IPv4 address: ${formatIp(source)}`)
      if (!isSingleHost(source)) throw new RangeError(`not the address of a sender: ${formatIp(source)}`)
    }
    this.#checkCount({ sources })
    return { mode, sources: [...sources] }
  }

  #checkCount({ sources }: Pick<SourceFilter, 'sources'>): void {
    const { maxSources } = this.#host.settings
    if (sources.length > maxSources) throw new RangeError(`more than ${maxSources} sources of a group`)
  }

  /** An IGMP packet with header `h` came at `buf[off..end)`. Returns why it is ignored. */
  input(h: Ipv4Header, buf: Uint8Array, off: number, end: number): IgmpRefusal | undefined {
    const { stats, settings, driver } = this.#host
    if (!settings.igmp) return 'igmp-disabled'
    const data = off + h.headerLength
    const m = decodeIgmp(buf, data, end, this.#message)
    if (typeof m === 'string') return m
    if (m.type === IGMP_QUERY) {
      // RFC 3376 §9.1: what a forged query from afar has not.
      if (m.version > 1 && !hasRouterAlert(buf, off + HEADER_LEN, data)) return 'igmp-no-alert'
      if (m.group === IPV4_ANY && h.dst !== IPV4_ALL_SYSTEMS) return 'igmp-bad-destination'
    }
    stats.delivered++
    driver.step((core, now) => core.igmp.input(now, m, buf))
    return undefined
  }

  /** Sends what IGMP has to say. */
  send(out: IgmpOut): void {
    const { link, core, stats } = this.#host
    const h = this.#header
    const old = out.kind === 'old'
    h.dst = !old ? IGMP_V3_ROUTERS : out.type === IGMP_LEAVE ? ALL_ROUTERS : out.group
    // RFC 3376 §4.2.13: 0.0.0.0 where there is no address yet.
    h.src = core.addresses.sourceFor(h.dst)
    const records = old ? 0 : out.records.reduce((sum, record) => sum + igmpRecordLength(record), 0)
    h.totalLength = h.headerLength + IGMP_LEN + records
    this.#out = out
    const mac = link.mac === undefined ? (0 as Mac) : multicastMac(h.dst)
    try {
      link.write(mac, ETHERTYPE_IPV4, h.totalLength, this.#fill)
      stats.sent++
    } catch (error) {
      countUnsent(stats, 'igmp', error)
    }
  }

  readonly #fill: Fill = (buf, off) => {
    const h = this.#header
    const data = off + h.headerLength
    const out = this.#out!
    encode(buf, off, h, ROUTER_ALERT)
    if (out.kind === 'old') encodeIgmp(buf, data, out.type, out.group)
    else encodeIgmpReport(buf, data, out.records)
    return h.totalLength
  }
}
