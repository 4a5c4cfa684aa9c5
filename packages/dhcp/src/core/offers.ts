import type { Ipv4 } from '@fata/addr'
import type { DhcpLease } from './lease.ts'

/** The offer to take: the wished address, else the most of what was asked for, else the longest lease, else the first. */
export function bestOffer(
  offers: readonly DhcpLease[],
  wish: Ipv4 | undefined,
  parameters: readonly number[],
): DhcpLease {
  const answered = ({ options }: DhcpLease): number => parameters.filter((code) => options.has(code)).length
  return offers.reduce((best, offer) => {
    const order =
      Number(offer.address === wish) - Number(best.address === wish) ||
      answered(offer) - answered(best) ||
      Number(offer.expiresAt > best.expiresAt) - Number(offer.expiresAt < best.expiresAt)
    return order > 0 ? offer : best
  })
}
