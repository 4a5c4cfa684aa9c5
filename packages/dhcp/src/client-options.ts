import { ACQUISITION_LIMITS, acquisitionDefaults } from './acquisition-options.ts'
import { requireIntegers } from './check.ts'
import {
  OPTION_BROADCAST_ADDRESS,
  OPTION_CLASSLESS_ROUTES,
  OPTION_DNS_SERVERS,
  OPTION_DOMAIN_NAME,
  OPTION_DOMAIN_SEARCH,
  OPTION_HOST_NAME,
  OPTION_MTU,
  OPTION_NTP_SERVERS,
  OPTION_ROUTERS,
  OPTION_SUBNET_MASK,
} from './wire/options.ts'

/** How one DHCP client behaves. Times are milliseconds unless their name says otherwise. */
export interface DhcpClientOptions {
  /** Name of this host, told to the server. Default: none. */
  readonly hostName?: string
  /**
   * Client identifier, 2 to 255 bytes, or `'mac'` (RFC 2132 §9.14), or `'none'`. Default `'duid'`: interface and DUID-LL from the MAC (RFC 4361 §6.1), the same
   * as in DHCPv6.
   */
  readonly clientId?: Uint8Array | 'duid' | 'mac' | 'none'
  /** Vendor class identifier (RFC 2132 §9.13). Default: none. */
  readonly vendorClass?: string
  /**
   * Codes of the options to ask for, at most 128. Default: subnet mask, classless routes, routers, DNS servers, domain name and search list, host
   * name, MTU, broadcast address, NTP servers.
   */
  readonly parameters?: readonly number[]
  /** Lease time to ask for, in seconds, or Infinity. Default: none, the server decides. */
  readonly leaseSeconds?: number
  /**
   * Ask for answers as broadcasts (RFC 2131 §4.1). Default true: an IP layer does not receive what is sent to an address before it has it. False
   * where the socket hears everything.
   */
  readonly broadcast?: boolean
  /** Largest IP packet that answers may fill, 576..65535. Default 1500. */
  readonly maxMessageSize?: number
  /** Longest of the random waits before the first message. Default 0; RFC 2131 §4.4.1 has 10 000, for hosts that are switched on at a time. */
  readonly startDelayMs?: number
  /** How long to collect offers after the first, unless it is of the address that it had before. Default 100. */
  readonly collectMs?: number
  /** Offers to choose from, 1..64. Default 16. */
  readonly maxOffers?: number
  /** Transmissions of a DHCPREQUEST or DHCPINFORM before it is given up, 1..10. Default 4, about 60 s. */
  readonly requestTries?: number
  /** Leases shorter than this, in seconds, are not taken. Default 10. */
  readonly shortestLeaseSeconds?: number
  /** Where in the store the lease is kept. Default `/dhcp/lease`. */
  readonly storeKey?: string
}

type Optional = 'hostName' | 'vendorClass' | 'leaseSeconds'

/** Every option with its value. */
export type DhcpClientSettings = Required<Omit<DhcpClientOptions, Optional>> & Pick<DhcpClientOptions, Optional>

export const clientDefaults: DhcpClientSettings = Object.freeze({
  ...acquisitionDefaults,
  clientId: 'duid',
  parameters: [
    OPTION_SUBNET_MASK,
    // RFC 3442 wants it before the routers.
    OPTION_CLASSLESS_ROUTES,
    OPTION_ROUTERS,
    OPTION_DNS_SERVERS,
    OPTION_DOMAIN_NAME,
    OPTION_DOMAIN_SEARCH,
    OPTION_HOST_NAME,
    OPTION_MTU,
    OPTION_BROADCAST_ADDRESS,
    OPTION_NTP_SERVERS,
  ].map(({ code }) => code),
  broadcast: true,
  maxMessageSize: 1500,
  startDelayMs: 0,
  collectMs: 100,
  requestTries: 4,
  storeKey: '/dhcp/lease',
})

const LIMITS = {
  ...ACQUISITION_LIMITS,
  maxMessageSize: [576, 65535],
  collectMs: [0, 60_000],
  requestTries: [1, 10],
} as const

/** Fills in the defaults. Throws a RangeError that names what is out of range. */
export function clientSettings(options: DhcpClientOptions): DhcpClientSettings {
  const s = { ...clientDefaults, ...options }
  requireIntegers<DhcpClientSettings>(s, LIMITS)
  const { parameters } = s
  if (parameters.length < 1 || parameters.length > 128)
    throw new RangeError(`parameters must be 1 to 128 codes, got ${parameters.length}`)
  for (const code of parameters)
    if (!(Number.isInteger(code) && code > 0 && code < 255)) throw new RangeError(`no option has the code ${code}`)
  return s
}
