import { formatIp, type IpAddress, isIpv4 } from '@fata/addr'
import { type Ip, IpError, type IpGroups } from '@fata/ip'

/** An IP layer with multicast. */
export type MulticastIp = Ip & IpGroups

/** One IP layer for both families; each address decides which layer is asked. A family that is undefined is refused with `ERR_IP_FAMILY`. */
export function dualIp(v4: MulticastIp | undefined, v6: MulticastIp | undefined): MulticastIp {
  const of = (address: IpAddress): MulticastIp => {
    const layer = isIpv4(address) ? v4 : v6
    if (layer === undefined) {
      throw new IpError('ERR_IP_FAMILY', `${formatIp(address)}: this stack has no ${isIpv4(address) ? 'IPv4' : 'IPv6'}`)
    }
    return layer
  }
  const layers = [v4, v6].filter((layer) => layer !== undefined)
  return {
    addresses: () => layers.flatMap((layer) => layer.addresses()),
    source: (dst) => of(dst).source(dst),
    mtu: (dst) => of(dst).mtu(dst),
    offload: (dst) => of(dst).offload(dst),
    write: (dst, protocol, size, fill, options) => of(dst).write(dst, protocol, size, fill, options),
    join: (group, filter) => of(group).join(group, filter),
    confirm: (dst) => (isIpv4(dst) ? v4 : v6)?.confirm(dst),
    listen(protocol, listener) {
      const ends = layers.map((layer) => layer.listen(protocol, listener))
      return () => {
        for (const end of ends) end()
      }
    },
  }
}
