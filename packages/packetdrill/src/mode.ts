import { type IpAddress, ip } from '@fata/addr'

/** Which addresses sockets use, and which are on the wire. */
export type Mode = 'ipv4' | 'ipv4-mapped-ipv6' | 'ipv6'

export const MODES: readonly Mode[] = ['ipv4', 'ipv4-mapped-ipv6', 'ipv6']

/** The two hosts of a run, and what depends on the family. */
export interface Network {
  readonly mode: Mode
  readonly local: IpAddress
  readonly remote: IpAddress
  readonly mtu: number
  readonly ipHeader: number
  /** Names that scripts may use in calls. */
  readonly defines: ReadonlyMap<string, string>
}

const DEFINES_IPV4 = new Map([
  ['CMSG_LEVEL_IP', 'SOL_IP'],
  ['CMSG_TYPE_RECVERR', 'IP_RECVERR'],
])
const DEFINES_IPV6 = new Map([
  ['CMSG_LEVEL_IP', 'SOL_IPV6'],
  ['CMSG_TYPE_RECVERR', 'IPV6_RECVERR'],
])

/** The addresses that public scripts are run with. IPv6 has an MTU that leaves as much for a segment as IPv4 has, unless `mtu` is given. */
export function networkFor(mode: Mode, mtu: number | undefined): Network {
  if (mode === 'ipv6') {
    const addresses = { local: ip('fd3d:a0b:17d6::1'), remote: ip('fd3d:fa7b:d17d::1') }
    return { mode, ...addresses, mtu: mtu ?? 1520, ipHeader: 40, defines: DEFINES_IPV6 }
  }
  const addresses = { local: ip('192.168.0.1'), remote: ip('192.0.2.1') }
  return {
    mode,
    ...addresses,
    mtu: mtu ?? 1500,
    ipHeader: 20,
    defines: mode === 'ipv4' ? DEFINES_IPV4 : DEFINES_IPV6,
  }
}
