import { type Ipv6, isIpv6LinkLocal, isIpv6Multicast, networkAddress } from '@fata/addr'
import { INFINITE_LIFETIME, type PrefixInformation } from '../wire/nd-options.ts'
import { type OwnAddress, prefixOf } from './addresses.ts'
import type { Host } from './host.ts'
import { INTERFACE_ID_BITS, isReserved } from './interface-id.ts'
import { type Offer, renewedValidUntil, stableIn, tryAddress } from './offer.ts'
import { takeTemporary, wantsTemporary } from './temporary.ts'

/** When a lifetime in seconds ends that begins now. */
export function lifetimeEnd(now: number, seconds: number): number {
  return seconds === INFINITE_LIFETIME ? Number.POSITIVE_INFINITY : now + seconds * 1000
}

/**
 * RFC 4862 §5.5.3: makes addresses of an advertised prefix, or renews their lifetimes; says why not. `router` advertised it, to everybody
 * or to us alone.
 */
export function autoconfigure(
  host: Host,
  now: number,
  info: PrefixInformation,
  router: Ipv6,
  toEverybody: boolean,
): string | undefined {
  const reason = whyNotAutoconfigured(info)
  if (reason !== undefined) return reason
  const offer: Offer = {
    prefix: { address: networkAddress(info.prefix), length: info.prefix.length },
    preferredUntil: lifetimeEnd(now, info.preferredLifetime),
    validUntil: lifetimeEnd(now, info.validLifetime),
    router,
    // RFC 4862 §5.4.2: everybody who hears a multicast advertisement would ask at once.
    delay: toEverybody && host.link.mac !== undefined ? host.settings.maxStartDelayMs : 0,
  }
  const refusal = takeStable(host, now, offer)
  if (refusal === undefined && wantsTemporary(host, offer.prefix)) takeTemporary(host, now, offer)
  return refusal
}

function takeStable(host: Host, now: number, offer: Offer): string | undefined {
  const { prefix, preferredUntil, validUntil, router } = offer
  const known = stableIn(host, prefix)
  if (known !== undefined) {
    known.router = router
    host.addresses.setLifetimes(now, known, preferredUntil, renewedValidUntil(now, known.validUntil, validUntil))
    return undefined
  }
  if (validUntil <= now) return undefined
  const count = host.addresses.list.filter((a) => a.origin === 'autoconfigured').length
  if (count >= host.settings.maxAutoconfigured) return 'too-many-addresses'
  addStable(host, now, offer, 0)
  return undefined
}

function whyNotAutoconfigured({ prefix, preferredLifetime, validLifetime }: PrefixInformation): string | undefined {
  if (isIpv6LinkLocal(prefix.address) || isIpv6Multicast(prefix.address)) return 'bad-prefix'
  if (preferredLifetime > validLifetime) return 'bad-lifetimes'
  return prefix.length === 128 - INTERFACE_ID_BITS ? undefined : 'bad-prefix-length'
}

/** RFC 7217 §5, §6: identifiers that are reserved or in use count as duplicates. */
function addStable(host: Host, now: number, offer: Offer, firstCounter: number): boolean {
  const { prefix, preferredUntil, validUntil, router } = offer
  for (let dadCounter = firstCounter; dadCounter <= host.settings.idgenRetries; dadCounter++) {
    const address = host.ids.address(prefix, dadCounter)
    if (address === undefined) return false
    if (isReserved(address) || host.addresses.get(address) !== undefined) continue
    const lifetimes = { preferredUntil, validUntil }
    const origin = 'autoconfigured'
    tryAddress(host, now, offer, { address, prefixLength: prefix.length, origin, ...lifetimes, dadCounter, router })
    return true
  }
  return false
}

/** DAD has found `taken` in use: another identifier is tried, RFC 7217 §6. The duplicate stays where there is none left. */
export function replaceDuplicate(host: Host, now: number, taken: OwnAddress): void {
  const { preferredUntil, validUntil, router } = taken
  const prefix = { address: networkAddress(prefixOf(taken)), length: taken.prefixLength }
  const offer: Offer = { prefix, preferredUntil, validUntil, router, delay: host.settings.idgenDelayMs }
  if (addStable(host, now, offer, taken.dadCounter + 1)) host.addresses.remove(taken)
}
