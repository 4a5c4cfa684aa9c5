import type { Ipv4 } from '@fata/addr'
import type { DhcpLease } from './lease.ts'

/** A lease of an earlier run. */
export interface KnownLease {
  readonly address: Ipv4
  readonly expiresAt: number
}

/** A message that waits for its answer: sent `tries` times, first at `sentAt`, next at `retryAt`. */
export interface Exchange {
  readonly xid: number
  readonly sentAt: number
  readonly tries: number
  readonly retryAt: number
}

/** What is sent next in an exchange: its first message, or the last one once more. */
export type Unsent = Omit<Exchange, 'retryAt'>

/**
 * Where a client is in figure 5 of RFC 2131 §4.4:
 *
 *      INIT-REBOOT                         INIT <-------------------------------+
 *           | DHCPREQUEST                   | DHCPDISCOVER                      |
 *           v           DHCPNAK, no answer  v            no answer              |
 *       REBOOTING -----------------------> SELECTING <------------+             |
 *           |                               | best offer,         |             |
 *           | DHCPACK                       v DHCPREQUEST         |             |
 *           |                            REQUESTING --------------+             |
 *           v            DHCPACK            |  | DHCPNAK                         |
 *       CHECKING <--------------------------+  +------> BACKING-OFF ------------+
 *           |   | in use: DHCPDECLINE                     ^   ^                 |
 *           |   +-----------------------------------------+   |                 |
 *           | free                       decline(): conflict  |                 |
 *           v                                                 |                 |
 *         BOUND ----------------------------------------------+                 |
 *          |  ^  T1: DHCPREQUEST to the server                                  |
 *          v  | DHCPACK                                                         |
 *       RENEWING ------------------------------------------------- DHCPNAK ---->|
 *          |       ^                                                            |
 *          | T2    | DHCPACK (to BOUND)                                         |
 *          v       |                                                            |
 *       REBINDING --------------------------------------- DHCPNAK, expired ----->+
 */
export type ClientState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'init'; readonly at: number }
  | ({ readonly kind: 'selecting'; readonly offers: readonly DhcpLease[]; readonly decideAt: number } & Exchange)
  | ({ readonly kind: 'requesting'; readonly offer: DhcpLease } & Exchange)
  | { readonly kind: 'init-reboot'; readonly known: KnownLease; readonly at: number }
  | ({ readonly kind: 'rebooting'; readonly known: KnownLease } & Exchange)
  | { readonly kind: 'checking'; readonly lease: DhcpLease; readonly until: number }
  | { readonly kind: 'backing-off'; readonly until: number }
  | { readonly kind: 'bound'; readonly lease: DhcpLease; readonly renewAt: number }
  | ({ readonly kind: 'renewing' | 'rebinding'; readonly lease: DhcpLease } & Exchange)

/** The lease in use. */
export function leaseOf(s: ClientState): DhcpLease | undefined {
  return s.kind === 'bound' || s.kind === 'renewing' || s.kind === 'rebinding' ? s.lease : undefined
}

/** When `s` ends by itself. */
export function dueAt(s: ClientState): number {
  switch (s.kind) {
    case 'stopped':
      return Number.POSITIVE_INFINITY
    case 'init':
    case 'init-reboot':
      return s.at
    case 'selecting':
      return s.offers.length > 0 ? s.decideAt : s.retryAt
    case 'requesting':
    case 'rebooting':
      return s.retryAt
    case 'checking':
    case 'backing-off':
      return s.until
    case 'bound':
      return s.renewAt
    case 'renewing':
      return Math.min(s.retryAt, s.lease.rebindAt)
    case 'rebinding':
      return Math.min(s.retryAt, s.lease.expiresAt)
    default:
      return s satisfies never
  }
}
