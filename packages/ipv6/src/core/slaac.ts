import { type Ipv6, type Ipv6Prefix, isIpv6LinkLocal, isIpv6Multicast, networkAddress } from '@fata/addr'
import { INFINITE_LIFETIME, type PrefixInformation } from '../wire/nd-options.ts'
import { type OwnAddress, prefixOf, samePrefix } from './addresses.ts'
import type { Host } from './host.ts'
import { INTERFACE_ID_BITS, isReserved } from './interface-id.ts'

const TWO_HOURS_MS = 2 * 3600_000

/** When a lifetime in seconds ends that begins now. */
export function lifetimeEnd(now: number, seconds: number): number {
  return seconds === INFINITE_LIFETIME ? Number.POSITIVE_INFINITY : now + seconds * 1000
}

/** RFC 4862 §5.5.3 (e): a router that nobody vouches for cannot cut a valid lifetime below two hours. */
function renewedValidUntil(now: number, until: number, advertisedUntil: number): number {
  if (advertisedUntil - now > TWO_HOURS_MS || advertisedUntil > until) return advertisedUntil
  return Math.min(until, now + TWO_HOURS_MS)
}

/**
 * RFC 4862 §5.5.3: makes an address of an advertised prefix, or renews its lifetimes; says why not. `router` advertised it, to
 * everybody or to us alone.
 */
export function autoconfigure(
  host: Host,
  now: number,
  info: PrefixInformation,
  router: Ipv6,
  toEverybody: boolean,
): string | undefined {
  const { prefix } = info
  const reason = whyNotAutoconfigured(info)
  if (reason !== undefined) return reason
  const preferredUntil = lifetimeEnd(now, info.preferredLifetime)
  const validUntil = lifetimeEnd(now, info.validLifetime)
  const known = host.addresses.list.find((a) => a.origin === 'autoconfigured' && samePrefix(prefixOf(a), prefix))
  if (known !== undefined) {
    known.router = router
    host.addresses.setLifetimes(now, known, preferredUntil, renewedValidUntil(now, known.validUntil, validUntil))
    return undefined
  }
  if (info.validLifetime === 0) return undefined
  const count = host.addresses.list.filter((a) => a.origin === 'autoconfigured').length
  if (count >= host.settings.maxAutoconfigured) return 'too-many-addresses'
  // RFC 4862 §5.4.2: everybody who hears a multicast advertisement would ask at once.
  const delay = toEverybody && host.link.mac !== undefined ? host.settings.maxStartDelayMs : 0
  addAutoconfigured(host, now, { prefix, preferredUntil, validUntil, router, dadCounter: 0, delay })
  return undefined
}

function whyNotAutoconfigured({ prefix, preferredLifetime, validLifetime }: PrefixInformation): string | undefined {
  if (isIpv6LinkLocal(prefix.address) || isIpv6Multicast(prefix.address)) return 'bad-prefix'
  if (preferredLifetime > validLifetime) return 'bad-lifetimes'
  return prefix.length === 128 - INTERFACE_ID_BITS ? undefined : 'bad-prefix-length'
}

interface Wanted {
  readonly prefix: Ipv6Prefix
  readonly preferredUntil: number
  readonly validUntil: number
  readonly router: Ipv6 | undefined
  readonly dadCounter: number
  readonly delay: number
}

/** RFC 7217 §5, §6: identifiers that are reserved or in use count as duplicates. */
function addAutoconfigured(host: Host, now: number, wanted: Wanted): boolean {
  const { preferredUntil, validUntil, router, delay } = wanted
  const network = { address: networkAddress(wanted.prefix), length: wanted.prefix.length }
  for (let { dadCounter } = wanted; dadCounter <= host.settings.idgenRetries; dadCounter++) {
    const address = host.ids.address(network, dadCounter)
    if (address === undefined) return false
    if (isReserved(address) || host.addresses.get(address) !== undefined) continue
    const prefixLength = network.length
    const origin = 'autoconfigured'
    const random = (delay * host.random.uint32()) / 0x1_0000_0000
    host.addresses.add(
      now,
      { address, prefixLength, origin, preferredUntil, validUntil, dadCounter, router },
      now + random,
    )
    return true
  }
  return false
}

/** DAD has found `taken` in use: another identifier is tried, RFC 7217 §6. The duplicate stays where there is none left. */
export function replaceDuplicate(host: Host, now: number, taken: OwnAddress): void {
  const { preferredUntil, validUntil, router } = taken
  const wanted: Wanted = {
    prefix: prefixOf(taken),
    preferredUntil,
    validUntil,
    router,
    dadCounter: taken.dadCounter + 1,
    delay: host.settings.idgenDelayMs,
  }
  if (addAutoconfigured(host, now, wanted)) host.addresses.remove(taken)
}
