import type { Exchange } from './v6-exchange.ts'
import type { Dhcpv6Lease } from './v6-lease.ts'

/** What a server advertises. */
export interface Advert {
  readonly preference: number
  readonly lease: Dhcpv6Lease
}

/**
 * Where a client is in RFC 8415 §18.2:
 *
 *       WAITING --> SOLICITING --- Advertise: Request ---> REQUESTING
 *          ^          |    ^                                |   |
 *          |          |    +------- no answer to 10 --------+   |
 *          |          | Reply with Rapid Commit           Reply |
 *          |          v                                         |
 *          |        BOUND <-------------------------------------+
 *          |         | ^  T1: Renew                             ^
 *          |         v | Reply                                  | NoBinding: Request
 *          |       RENEWING --------------------------------->--+
 *          |         | T2: Rebind                               |
 *          |         v                                          |
 *          +-----  REBINDING -------------------------------->--+
 *        all addresses over
 */
export type V6State =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'waiting'; readonly at: number }
  | ({ readonly kind: 'soliciting'; readonly adverts: readonly Advert[] } & Exchange)
  /** `lease`: one that is in use, of which the server had no record. */
  | ({ readonly kind: 'requesting'; readonly wanted: Dhcpv6Lease; readonly lease: Dhcpv6Lease | undefined } & Exchange)
  | { readonly kind: 'bound'; readonly lease: Dhcpv6Lease }
  | ({ readonly kind: 'renewing' | 'rebinding'; readonly lease: Dhcpv6Lease } & Exchange)

/** When `s` has something to do, besides the end of its lease. */
export function dueAt(s: V6State): number {
  switch (s.kind) {
    case 'stopped':
      return Number.POSITIVE_INFINITY
    case 'waiting':
      return s.at
    case 'bound':
      return s.lease.renewAt
    case 'renewing':
      return Math.min(s.retryAt, s.lease.rebindAt)
    case 'soliciting':
    case 'requesting':
    case 'rebinding':
      return s.retryAt
    default:
      return s satisfies never
  }
}

/** The highest preference, else the most addresses, else the first (§18.2.9). */
export function bestAdvert(adverts: readonly Advert[]): Advert {
  return adverts.reduce((a, b) => {
    const order = b.preference - a.preference || b.lease.addresses.length - a.lease.addresses.length
    return order > 0 ? b : a
  })
}
