import { type Ipv6, type Ipv6Prefix, ipv6FromWords, networkAddress, prefixContains } from '@fata/addr'
import { type OwnAddress, prefixOf, samePrefix, TEMP_IDGEN_RETRIES } from './addresses.ts'
import type { Host } from './host.ts'
import { isReserved } from './interface-id.ts'
import { type Offer, renewedValidUntil, stableIn, tryAddress } from './offer.ts'

/** MAX_DESYNC_FACTOR of RFC 8981 §3.8, as a part of TEMP_PREFERRED_LIFETIME. */
const MAX_DESYNC = 0.4
/** Three with the RFC's lifetimes; options may ask for lifetimes that would let them pile up. */
const MAX_IN_PREFIX = 8

// Temporary addresses, RFC 8981: beside the stable address of a prefix there is one with a random identifier, and a new one in time
// before it is deprecated.

/** §3.7: they are wanted everywhere, or in parts of the address space. */
export function wantsTemporary({ settings }: Host, prefix: Ipv6Prefix): boolean {
  const { temporaryAddresses: wanted } = settings
  if (typeof wanted === 'boolean') return wanted
  return wanted.some((range) => range.length <= prefix.length && prefixContains(range, prefix.address))
}

/** A router advertises a prefix: §3.4, steps 1 to 3. */
export function takeTemporary(host: Host, now: number, offer: Offer): void {
  let needed = true
  for (const own of temporaryIn(host, offer.prefix)) {
    const { preferredUntil, validUntil } = own.limits!
    const until = renewedValidUntil(now, own.validUntil, offer.validUntil)
    host.addresses.setLifetimes(now, own, Math.min(offer.preferredUntil, preferredUntil), Math.min(until, validUntil))
    // A duplicate that stands here is the last of several: §3.4, step 7.
    if (own.state.kind !== 'deprecated') needed = false
  }
  if (needed) addTemporary(host, now, offer, 0)
}

/** `own` is about to be deprecated: §3.5. */
export function regenerate(host: Host, now: number, own: OwnAddress): void {
  if (own.state.kind === 'duplicate') return
  const stable = stableIn(host, prefixOf(own))
  const hasSuccessor = temporaryIn(host, prefixOf(own)).some((other) => other.preferredUntil > own.preferredUntil)
  if (stable === undefined || hasSuccessor) return
  addTemporary(host, now, offerOf(own, stable), 0)
}

/** DAD has found `taken` in use: §3.4, step 7. */
export function replaceTemporary(host: Host, now: number, taken: OwnAddress): void {
  const stable = stableIn(host, prefixOf(taken))
  if (stable === undefined || taken.dadCounter >= TEMP_IDGEN_RETRIES) return
  host.addresses.remove(taken)
  addTemporary(host, now, offerOf(taken, stable), taken.dadCounter + 1)
}

function temporaryIn({ addresses }: Host, prefix: Ipv6Prefix): OwnAddress[] {
  return addresses.list.filter((own) => own.origin === 'temporary' && samePrefix(prefixOf(own), prefix))
}

/** What the router offered last shows in the lifetimes of the stable address. */
function offerOf(own: OwnAddress, { preferredUntil, validUntil, router }: OwnAddress): Offer {
  const prefix = { address: networkAddress(prefixOf(own)), length: own.prefixLength }
  return { prefix, preferredUntil, validUntil, router, delay: 0 }
}

/** §3.4, steps 4 to 7. */
function addTemporary(host: Host, now: number, offer: Offer, dadCounter: number): void {
  const { temporaryPreferredLifetimeMs: most, temporaryValidLifetimeMs } = host.settings
  const desync = (MAX_DESYNC * most * host.random.uint32()) / 0x1_0000_0000
  const limits = { preferredUntil: now + most - desync, validUntil: now + temporaryValidLifetimeMs }
  const preferredUntil = Math.min(offer.preferredUntil, limits.preferredUntil)
  const validUntil = Math.min(offer.validUntil, limits.validUntil)
  if (preferredUntil - now <= host.addresses.regenAdvanceMs) return
  const [oldest, ...others] = temporaryIn(host, offer.prefix)
  if (oldest !== undefined && others.length + 1 >= MAX_IN_PREFIX) host.addresses.remove(oldest)
  const { prefix, router } = offer
  const lifetimes = { preferredUntil, validUntil, limits }
  const address = randomAddress(host, prefix)
  const origin = 'temporary'
  tryAddress(host, now, offer, { address, prefixLength: prefix.length, origin, ...lifetimes, dadCounter, router })
}

/** §3.3.1. */
function randomAddress({ random, addresses }: Host, { address: { w0, w1 } }: Ipv6Prefix): Ipv6 {
  for (;;) {
    const address = ipv6FromWords(w0, w1, random.uint32(), random.uint32())
    if (!isReserved(address) && addresses.get(address) === undefined) return address
  }
}
