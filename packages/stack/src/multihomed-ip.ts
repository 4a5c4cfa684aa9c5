import { formatIp, type IpAddress, ipEquals, ipKey, isIpv4, type Prefix, prefixContains } from '@fata/addr'
import type { GroupMembership } from '@fata/ip'
import { IpError } from '@fata/ip'
import type { Clock } from '@fata/runtime'
import type { MulticastIp } from './dual-ip.ts'
import type { Layers } from './layers.ts'

/** An interface as a part of a host that has several. */
export interface Home {
  readonly name: string
  readonly layers: Pick<Layers, 'ipv4' | 'ipv6'>
  readonly ip: MulticastIp
}

/** Choices that are remembered, and for how long: a route that comes or goes is noticed then. */
const MAX_CHOICES = 4096
const CHOICE_MS = 1000

/**
 * One `Ip` of a host with several interfaces, by the strong end system model (RFC 1122 §3.3.4.2): a packet leaves by the interface that has its source
 * address, one that arrives is taken only by the interface that has its destination, and nothing is forwarded from one to the other. A packet
 * without source leaves by the zone of its destination, else by the longest matching prefix of any interface's networks and routes, the first
 * interface among equals. Groups are joined on every interface that has their family, or on that of their zone.
 */
export function multihomedIp(homes: readonly Home[], clock: Clock): MulticastIp {
  const owned = new Map<Home, readonly Prefix[]>()
  for (const home of homes) {
    const note = (): void => void owned.set(home, home.ip.addresses())
    note()
    home.layers.ipv4?.onAddresses(note)
    home.layers.ipv6?.onAddresses(note)
  }
  const ownerOf = (src: IpAddress): Home | undefined =>
    homes.find((home) => owned.get(home)!.some(({ address }) => ipEquals(address, src)))

  const choices = new Map<number | string, Home>()
  let forgetAt = 0
  const towards = (dst: IpAddress): Home => {
    // Keys leave zones out.
    if (!isIpv4(dst) && dst.zone !== '') return interfaceTowards(homes, dst)
    const now = clock.now()
    if (now >= forgetAt || choices.size >= MAX_CHOICES) {
      choices.clear()
      forgetAt = now + CHOICE_MS
    }
    const key = ipKey(dst)
    let home = choices.get(key)
    if (home === undefined) choices.set(key, (home = interfaceTowards(homes, dst)))
    return home
  }
  const homeOf = (dst: IpAddress, src: IpAddress | undefined): Home =>
    (src === undefined ? undefined : ownerOf(src)) ?? towards(dst)

  return {
    addresses: () => homes.flatMap(({ ip }) => ip.addresses()),
    source: (dst) => towards(dst).ip.source(dst),
    mtu: (dst) => towards(dst).ip.mtu(dst),
    offload: (dst) => towards(dst).ip.offload(dst),
    write: (dst, protocol, size, fill, options) =>
      homeOf(dst, options?.src).ip.write(dst, protocol, size, fill, options),
    confirm: (dst) => towards(dst).ip.confirm(dst),
    join(group, filter) {
      const one = !isIpv4(group) && group.zone !== ''
      const family = isIpv4(group) ? 'ipv4' : 'ipv6'
      const joined = one ? [towards(group)] : homes.filter(({ layers }) => layers[family] !== undefined)
      const memberships: GroupMembership[] = (joined.length > 0 ? joined : homes).map(({ ip }) =>
        ip.join(group, filter),
      )
      return {
        change(next) {
          for (const membership of memberships) membership.change(next)
        },
        leave() {
          for (const membership of memberships) membership.leave()
        },
      }
    },
    listen(protocol, listener) {
      const ends = homes.map(({ ip }) => ip.listen(protocol, listener))
      return () => {
        for (const end of ends) end()
      }
    },
  }
}

/** Where a packet to `dst` leaves that has no source yet. Throws IpError `ERR_IP_NO_ROUTE` for a zone that is none. */
export function interfaceTowards<H extends Home>(homes: readonly H[], dst: IpAddress): H {
  if (homes.length === 1) return homes[0]!
  const zone = isIpv4(dst) ? '' : dst.zone
  if (zone !== '') {
    const named = homes.find(({ name }) => name === zone)
    if (named === undefined) throw new IpError('ERR_IP_NO_ROUTE', `${formatIp(dst)}: no interface is named '${zone}'`)
    return named
  }
  let best: H | undefined
  let longest = -1
  for (const home of homes) {
    const length = match(home, dst)
    if (length > longest) {
      best = home
      longest = length
    }
  }
  // That there is no way is for the layer to say.
  return best ?? homes.find(({ layers }) => layers[isIpv4(dst) ? 'ipv4' : 'ipv6'] !== undefined) ?? homes[0]!
}

/** Length of the longest prefix on the link or behind a router that has `dst`; -1 for none. */
function match({ layers: { ipv4, ipv6 } }: Home, dst: IpAddress): number {
  const state = isIpv4(dst) ? undefined : ipv6?.state()
  const networks: readonly Prefix[] = isIpv4(dst)
    ? (ipv4?.routes() ?? []).map(({ prefix }) => prefix)
    : [
        ...(ipv6?.addresses() ?? []),
        ...(state?.prefixes ?? []).map(({ prefix }) => prefix),
        ...(state?.routes ?? []).map(({ prefix }) => prefix),
      ]
  return Math.max(-1, ...networks.filter((p) => prefixContains(p, dst)).map(({ length }) => length))
}
