import { formatIp, type IpAddress, isIpv4 } from '@fata/addr'
import { IpError, type IpReportKind } from '@fata/ip'
import { type Home, interfaceTowards } from './multihomed-ip.ts'

/** How an echo request is sent. */
export interface PingOptions {
  /** Bytes of data. Default 56. */
  readonly size?: number | undefined
  /** Time to live or hop limit, 1..255. Default: the layer's. */
  readonly ttl?: number | undefined
  /** Sequence number, 0..65535. Default: counts up. */
  readonly sequence?: number | undefined
  /** How long to wait for an answer. Default 1000. */
  readonly timeoutMs?: number | undefined
  /** Gives up. */
  readonly signal?: AbortSignal | undefined
}

/** What became of an echo request: an answer, an ICMP error or a finding of this host, or nothing in time. */
export type PingOutcome =
  | {
      readonly kind: 'reply'
      readonly sequence: number
      readonly from: IpAddress
      readonly rttMs: number
      /** Time to live or hop limit of the answer as received. */
      readonly ttl: number
      /** Bytes of data. */
      readonly size: number
    }
  | { readonly kind: IpReportKind; readonly sequence: number; readonly from: IpAddress; readonly rttMs: number }
  | { readonly kind: 'timeout'; readonly sequence: number }

/** Asks the interface that leads to the destination, by its layer of that family. */
export async function ping(
  interfaces: readonly Home[],
  dst: IpAddress,
  options: PingOptions = {},
): Promise<PingOutcome> {
  const { ipv4, ipv6 } = interfaceTowards(interfaces, dst).layers
  if (isIpv4(dst)) {
    if (ipv4 !== undefined) return ipv4.ping(dst, options)
  } else if (ipv6 !== undefined) {
    const { ttl: hopLimit, ...rest } = options
    const outcome = await ipv6.ping(dst, { ...rest, hopLimit })
    if (outcome.kind !== 'reply') return outcome
    const { hopLimit: ttl, ...reply } = outcome
    return { ...reply, ttl }
  }
  throw new IpError('ERR_IP_FAMILY', `${formatIp(dst)}: this stack has no ${isIpv4(dst) ? 'IPv4' : 'IPv6'}`)
}
