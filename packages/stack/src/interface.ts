import type { IpAddress, Prefix } from '@fata/addr'
import type { DhcpLease, Dhcpv6Information, Dhcpv6Lease } from '@fata/dhcp'
import type { Resolver } from '@fata/dns'
import type { Tcp, TcpConnectOptions, TcpFlow } from '@fata/tcp'
import type { Udp } from '@fata/udp'
import type { MulticastIp } from './dual-ip.ts'
import type { Layers } from './layers.ts'
import type { PingOptions, PingOutcome } from './ping.ts'

/** TCP and UDP for both families, whatever carries them: the layers of this repository over a device, or the host's sockets. */
export interface Stack extends AsyncDisposable {
  readonly tcp: Tcp
  readonly udp: Udp
  /** Asks the configured name servers, or those that the network tells of. */
  readonly resolver: Resolver
  /**
   * Resolves when the configured addresses may be used. Rejects with the reason when none of them can be: that of a layer, or StackError
   * `ERR_STACK_NO_LEASE`, `ERR_STACK_CLOSED`. It may be ignored.
   */
  readonly ready: Promise<void>
  /** The addresses that may be used now. */
  addresses(): readonly Prefix[]
  /**
   * Connects to a host by its name, by an address as text, or to any of several addresses: DNS, then RFC 8305, IPv6 first. Rejects with
   * HappyEyeballsError `ERR_HAPPY_EYEBALLS_NO_ADDRESS`, `ERR_HAPPY_EYEBALLS_FAILED`, for a single address as `Tcp.connect`, or with the signal's
   * reason. Throws a RangeError or TypeError on nonsense.
   */
  connect(host: string | readonly IpAddress[], port: number, options?: ConnectOptions): Promise<TcpFlow>
  /** Aborts what is open, gives leases back and ends everything. Idempotent, never rejects. */
  close(): Promise<void>
}

/** As for `Tcp.connect`; `timeoutMs` is that of each attempt. */
export interface ConnectOptions extends TcpConnectOptions {
  /** Only addresses of this family. Default: both. */
  readonly family?: 4 | 6 | undefined
}

/** A stack over devices. */
export interface DirectStack extends Stack {
  /** Both families, and every interface, as one. */
  readonly ip: MulticastIp
  /** In the order in which they were given, at least one. */
  readonly interfaces: readonly StackInterface[]
  /** Of the first interface. */
  readonly layers: Layers
  /** Calls `changed` after each change of what DHCP or routers say; returns the function that ends it. */
  onConfiguration(changed: (of: StackInterface) => void): () => void
  /** ICMP echo. Rejects with the signal's reason, and as `Ip.source` where nothing can be sent. */
  ping(dst: IpAddress, options?: PingOptions): Promise<PingOutcome>
}

/** One device with what stands on it. */
export interface StackInterface {
  /** `''` where it is the only one and has no name. IPv6's zone: `fe80::1%name`. */
  readonly name: string
  /** The layers by themselves, for what is particular to them. */
  readonly layers: Layers
  /** What DHCP has given: address, routes, MTU, name servers, domain and every other option. */
  readonly lease: DhcpLease | undefined
  /** What DHCPv6 has given, where routers say that it has addresses; where they say that it has other configuration only. */
  readonly leaseV6: Dhcpv6Lease | undefined
  readonly informationV6: Dhcpv6Information | undefined
  /** Name servers in order of preference, and domains to complete names with: of DHCP, DHCPv6 and router advertisements (RFC 8106 §5.3.1). */
  readonly dnsServers: readonly IpAddress[]
  readonly domainSearch: readonly string[]
}
