import type { Ipv4, Mac } from '@fata/addr'
import type { Core, Random } from '@fata/runtime'
import type { ArpSettings } from '../options.ts'
import type { ArpPacket } from '../wire.ts'
import { NeighborCache, type NeighborState } from './cache.ts'
import { type ArpOutput, NO_ADDRESS, send } from './output.ts'
import { OwnAddresses } from './own.ts'
import { Probes } from './probes.ts'

/** Why a well-formed packet changed nothing here. */
export type Ignored = 'own-echo' | 'not-for-us' | 'unsolicited' | 'static-entry' | 'cache-full'

/**
 * ARP: RFC 826 with the address conflict detection of RFC 5227.
 *
 * Differs from RFC 826 in:
 * - A reply, or an announcement, from somebody of whom nothing was asked makes no entry, even when it is addressed to this host: see
 *   `NeighborCache.merge`.
 * - A request to this host makes an entry only where the cache has room.
 * - A packet from an address of this host is a conflict (RFC 5227 §2.4) and nothing is learnt from it.
 */
export class ArpCore implements Core<ArpOutput> {
  readonly #mac: Mac
  readonly #out: ArpOutput[] = []
  readonly #own: OwnAddresses
  readonly #cache: NeighborCache
  readonly #probes: Probes

  constructor(mac: Mac, settings: ArpSettings, random: Random) {
    this.#mac = mac
    this.#own = new OwnAddresses(mac, settings.conflictPolicy, this.#out)
    this.#cache = new NeighborCache(mac, this.#own, settings, this.#out)
    this.#probes = new Probes(mac, random, this.#out)
  }

  /** A packet has arrived: the reception algorithm of RFC 826 behind the checks of RFC 5227. Returns why it changed nothing. */
  receive(now: number, packet: ArpPacket): Ignored | undefined {
    if (packet.sha === this.#mac) return 'own-echo'
    const forUs = this.#own.has(packet.tpa)
    this.#probes.heard(packet, forUs)
    if (this.#own.has(packet.spa)) {
      this.#probes.countConflict()
      this.#own.conflict(now, packet.spa, packet.sha)
      if (this.#own.size === 0) this.#cache.failQueries()
      return undefined
    }
    const asksUs = forUs && packet.operation === 'request'
    const merged = packet.spa === NO_ADDRESS ? 'unknown' : this.#cache.merge(now, packet.spa, packet.sha, asksUs)
    if (asksUs) this.#answer(packet)
    if (merged === 'taken' || (merged === 'unknown' && asksUs)) return undefined
    if (merged !== 'unknown') return merged
    return packet.operation === 'reply' ? 'unsolicited' : 'not-for-us'
  }

  lookup(address: Ipv4): Mac | undefined {
    return this.#cache.lookup(address) ?? (this.#own.has(address) ? this.#mac : undefined)
  }

  query(now: number, address: Ipv4): void {
    this.#cache.query(now, address)
  }

  isOwn(address: Ipv4): boolean {
    return this.#own.has(address)
  }

  addresses(): readonly Ipv4[] {
    return this.#own.list()
  }

  addAddress(now: number, address: Ipv4): void {
    this.#own.add(now, address)
    this.#cache.becomesOwn(address)
  }

  removeAddress(address: Ipv4): void {
    this.#own.remove(address)
    if (this.#own.size === 0) this.#cache.failQueries()
  }

  setAddresses(now: number, addresses: readonly Ipv4[]): void {
    // New ones come first, so that queries under way keep an address to ask with.
    for (const address of addresses) this.addAddress(now, address)
    for (const address of this.#own.list()) if (!addresses.includes(address)) this.removeAddress(address)
  }

  /** False where the cache is full of static entries. */
  setStatic(address: Ipv4, mac: Mac | undefined): boolean {
    return this.#cache.setStatic(address, mac)
  }

  flush(address: Ipv4 | undefined): void {
    this.#cache.flush(address)
  }

  entries(): ReadonlyMap<Ipv4, { readonly state: NeighborState }> {
    return this.#cache.entries()
  }

  startProbe(now: number, address: Ipv4): void {
    this.#probes.start(now, address)
  }

  cancelProbe(address: Ipv4): void {
    this.#probes.cancel(address)
  }

  /** Ends everything: queries fail, probes have no result, nothing is answered any more. */
  close(): void {
    this.#own.clear()
    this.#probes.clear()
    this.#cache.clear()
  }

  timeout(now: number): void {
    this.#own.timeout(now)
    this.#probes.timeout(now)
    this.#cache.timeout(now)
  }

  poll(): ArpOutput | undefined {
    return this.#out.shift()
  }

  deadline(): number {
    return Math.min(this.#own.deadline(), this.#probes.deadline(), this.#cache.deadline())
  }

  /** RFC 826: sender and target change places. An ARP Probe is answered like any request (RFC 5227 §2.5). */
  #answer({ sha, spa, tpa }: ArpPacket): void {
    this.#out.push(send(sha, { operation: 'reply', sha: this.#mac, spa: tpa, tha: sha, tpa: spa }))
  }
}
