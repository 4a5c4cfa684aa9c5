import {
  type IpAddress,
  type Ipv4,
  type Ipv4Prefix,
  type Ipv6Prefix,
  ipEquals,
  ipv6FromWords,
  isIpv4,
  networkAddress,
  type Prefix,
  prefixContains,
} from '@fata/addr'

/**
 * An address for the host's side of a device whose own address is `own`, so that the two can talk: the gateway where that is in the
 * same network, else the network's first address, or its second where `own` is the first. Undefined where the network has no room for
 * a second address (/32, /128).
 */
export function hostAddressFor(own: Prefix, gateway?: IpAddress): Prefix | undefined {
  const { address, length } = own
  if (gateway !== undefined && prefixContains(own, gateway) && !ipEquals(gateway, address))
    return { address: gateway, length } as Prefix
  return isIpv4(address) ? hostIpv4(own as Ipv4Prefix, length) : hostIpv6(own as Ipv6Prefix, length)
}

function hostIpv4(own: Ipv4Prefix, length: number): Prefix | undefined {
  if (length === 32) return undefined
  // RFC 3021: both addresses of a /31 are hosts.
  if (length === 31) return { address: ((own.address ^ 1) >>> 0) as Ipv4, length }
  const first = (networkAddress(own) + 1) as Ipv4
  return { address: first === own.address ? ((first + 1) as Ipv4) : first, length }
}

function hostIpv6(own: Ipv6Prefix, length: number): Prefix | undefined {
  if (length === 128) return undefined
  const { w0, w1, w2, w3 } = networkAddress(own)
  // RFC 6164: both addresses of a /127 are hosts; elsewhere the first is the routers' (RFC 4291 §2.6.1).
  const from = length === 127 ? 0 : 1
  const first = ipv6FromWords(w0, w1, w2, w3 + from)
  return { address: ipEquals(first, own.address) ? ipv6FromWords(w0, w1, w2, w3 + from + 1) : first, length }
}
