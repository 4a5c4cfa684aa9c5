import type { IpAddress } from '@fata/addr'

/** What an ICMP error or the host itself says; the mapping is RFC 1122 §3.2.2 and RFC 4443 §3. */
export type IpReportKind =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'protocol-unreachable'
  | 'port-unreachable'
  | 'prohibited'
  | 'source-route-failed'
  | 'packet-too-big'
  | 'time-exceeded'
  | 'reassembly-timeout'
  | 'parameter-problem'

/** An error about a packet that this host sent: an ICMP message, or the finding that the next hop does not answer. */
export interface IpReport {
  kind: IpReportKind
  /** Source and destination of the packet that it is about. */
  src: IpAddress
  dst: IpAddress
  /** Who says so; an own address where this host found out. */
  reporter: IpAddress
  /** With `'packet-too-big'`: the next hop's MTU in bytes of IP packet; 0 where the router did not say. */
  mtu: number
  /** The beginning of the transport segment is quoted at `buf[off..end)`: 8 bytes or more. */
  buf: Uint8Array
  off: number
  end: number
}
