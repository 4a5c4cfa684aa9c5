import { IPV4_BROADCAST, type Ipv4, isIpv4Multicast, MAC_BROADCAST, type Mac } from '@fata/addr'
import type { ArpSettings } from '../options.ts'
import { type ArpOutput, NO_MAC, send } from './output.ts'
import type { OwnAddresses } from './own.ts'

/**
 * What is known of a neighbour (RFC 826; ageing is mechanisms 1 and 2 of RFC 1122 §2.3.2.1).
 *
 *                  query                          heard
 *      (absent) ----------> incomplete ----------------------> reachable <---------+
 *       ^  ^  ^                 | tries used up                 |     |            |
 *       |  |  |  negativeMs     v           at refreshAt unused |     | in use     | heard
 *       |  |  +------------- failed                             |     v            |
 *       |  +----------------------------------------------------+   refreshing ----+
 *       +-------------------------------------------------------------- | polls used up
 */
export type NeighborState =
  | { readonly kind: 'incomplete'; readonly tries: number; readonly retryAt: number }
  | { readonly kind: 'reachable'; readonly mac: Mac; readonly refreshAt: number }
  | { readonly kind: 'refreshing'; readonly mac: Mac; readonly polls: number; readonly retryAt: number }
  | { readonly kind: 'failed'; readonly until: number }
  | { readonly kind: 'static'; readonly mac: Mac }

/** What became of a sender's claim: only `'taken'` changed anything. */
export type Merge = 'taken' | 'unknown' | 'static-entry' | 'cache-full'

interface Entry {
  state: NeighborState
  /** Looked up since it was last confirmed or passed over by the eviction. */
  used: boolean
}

/** The neighbour cache: who has which address, as far as somebody here wanted to know. */
export class NeighborCache {
  readonly #entries = new Map<Ipv4, Entry>()
  readonly #mac: Mac
  readonly #own: OwnAddresses
  readonly #settings: ArpSettings
  readonly #out: ArpOutput[]
  /** No entry is due before this; the exact time would cost a search with every packet. */
  #nextAt = Number.POSITIVE_INFINITY

  constructor(mac: Mac, own: OwnAddresses, settings: ArpSettings, out: ArpOutput[]) {
    this.#mac = mac
    this.#own = own
    this.#settings = settings
    this.#out = out
  }

  lookup(address: Ipv4): Mac | undefined {
    const entry = this.#entries.get(address)
    if (entry === undefined) return undefined
    entry.used = true
    return macOf(entry.state)
  }

  /** Asks for an address: ends in `resolved` or `failed`, for everybody who waits for it. */
  query(now: number, address: Ipv4): void {
    const state = this.#entries.get(address)?.state
    if (state?.kind === 'incomplete') return
    const known = state && macOf(state)
    if (known !== undefined) {
      this.#out.push({ kind: 'resolved', address, mac: known })
      return
    }
    const mayAsk = address !== 0 && address !== IPV4_BROADCAST && !isIpv4Multicast(address) && this.#own.size > 0
    if ((state?.kind === 'failed' && now < state.until) || !mayAsk || !this.#makeRoomFor(address)) {
      this.#out.push({ kind: 'failed', address })
      return
    }
    this.#entries.set(address, { state: this.#ask(now, address, 1), used: true })
  }

  /**
   * A claim that `address` is at `mac` (the merge of RFC 826). `mayCreate`: it was a request to us, whose sender we are about to
   * answer. Nothing else makes an entry that nobody asked for, and not even that displaces one: otherwise any station could fill the
   * cache, or plant addresses before they are needed.
   */
  merge(now: number, address: Ipv4, mac: Mac, mayCreate: boolean): Merge {
    const entry = this.#entries.get(address)
    if (entry === undefined) {
      if (!mayCreate) return 'unknown'
      if (this.#entries.size >= this.#settings.cacheSize) return 'cache-full'
      this.#entries.set(address, { state: this.#reachable(now, mac), used: false })
      return 'taken'
    }
    const { state } = entry
    if (state.kind === 'static') return state.mac === mac ? 'taken' : 'static-entry'
    const known = macOf(state)
    entry.state = this.#reachable(now, mac)
    entry.used = false
    if (state.kind === 'incomplete') this.#out.push({ kind: 'resolved', address, mac })
    else if (known !== undefined && known !== mac) this.#out.push({ kind: 'moved', address, from: known, mac })
    return 'taken'
  }

  /** Pins an address, or releases it. False where the cache is full of pinned ones. */
  setStatic(address: Ipv4, mac: Mac | undefined): boolean {
    const state = this.#entries.get(address)?.state
    if (mac === undefined) {
      if (state?.kind === 'static') this.#entries.delete(address)
      return true
    }
    if (!this.#makeRoomFor(address)) return false
    this.#entries.set(address, { state: { kind: 'static', mac }, used: false })
    if (state?.kind === 'incomplete') this.#out.push({ kind: 'resolved', address, mac })
    return true
  }

  /** The address has become our own. */
  becomesOwn(address: Ipv4): void {
    if (this.#entries.get(address)?.state.kind === 'incomplete')
      this.#out.push({ kind: 'resolved', address, mac: this.#mac })
    this.#entries.delete(address)
  }

  /** Forgets one address, or all that are not static; whoever waits is told that nobody answers. */
  flush(address?: Ipv4): void {
    if (address !== undefined) this.#forget(address)
    else for (const known of this.#entries.keys()) this.#forget(known)
  }

  /** Forgets everything; queries end. */
  clear(): void {
    this.flush()
    this.#entries.clear()
    this.#nextAt = Number.POSITIVE_INFINITY
  }

  /** Ends all queries, since there is no address to ask with. */
  failQueries(): void {
    for (const [address, { state }] of this.#entries) if (state.kind === 'incomplete') this.#forget(address)
  }

  entries(): ReadonlyMap<Ipv4, { readonly state: NeighborState }> {
    return this.#entries
  }

  timeout(now: number): void {
    if (now < this.#nextAt) return
    this.#nextAt = Number.POSITIVE_INFINITY
    for (const [address, entry] of this.#entries) {
      if (dueAt(entry.state) <= now) this.#expire(now, address, entry)
      this.#nextAt = Math.min(this.#nextAt, dueAt(entry.state))
    }
  }

  /** At times too early, never too late. */
  deadline(): number {
    return this.#nextAt
  }

  #expire(now: number, address: Ipv4, entry: Entry): void {
    const { state } = entry
    switch (state.kind) {
      case 'incomplete':
        if (state.tries < this.#settings.tries) {
          entry.state = this.#ask(now, address, state.tries + 1)
          return
        }
        entry.state = { kind: 'failed', until: now + this.#settings.negativeMs }
        this.#out.push({ kind: 'failed', address })
        return
      case 'reachable':
        if (entry.used) entry.state = this.#poll(now, address, state.mac, 1)
        else this.#drop(address, entry)
        return
      case 'refreshing':
        if (state.polls < this.#settings.polls) entry.state = this.#poll(now, address, state.mac, state.polls + 1)
        else this.#drop(address, entry)
        return
      case 'failed':
        this.#drop(address, entry)
        return
      case 'static':
        return
      default:
        state satisfies never
    }
  }

  /** The entry leaves the table; its state keeps `timeout` from counting it. */
  #drop(address: Ipv4, entry: Entry): void {
    this.#entries.delete(address)
    entry.state = { kind: 'failed', until: Number.POSITIVE_INFINITY }
  }

  #forget(address: Ipv4): void {
    const state = this.#entries.get(address)?.state
    if (state === undefined || state.kind === 'static') return
    this.#entries.delete(address)
    if (state.kind === 'incomplete') this.#out.push({ kind: 'failed', address })
  }

  /** Second chance: whoever was used since the last round stays for another one. False where all are static. */
  #makeRoomFor(address: Ipv4): boolean {
    if (this.#entries.has(address) || this.#entries.size < this.#settings.cacheSize) return true
    for (const [candidate, entry] of this.#entries) {
      if (entry.state.kind === 'static') continue
      this.#entries.delete(candidate)
      if (entry.used) {
        entry.used = false
        this.#entries.set(candidate, entry)
        continue
      }
      this.#out.push({ kind: 'evicted', address: candidate })
      if (entry.state.kind === 'incomplete') this.#out.push({ kind: 'failed', address: candidate })
      return true
    }
    return false
  }

  #reachable(now: number, mac: Mac): NeighborState {
    const { lifetimeMs, polls, retryMs } = this.#settings
    return this.#armed({ kind: 'reachable', mac, refreshAt: now + lifetimeMs - polls * retryMs })
  }

  #ask(now: number, address: Ipv4, tries: number): NeighborState {
    this.#request(MAC_BROADCAST, address)
    return this.#armed({ kind: 'incomplete', tries, retryAt: now + this.#settings.retryMs })
  }

  #poll(now: number, address: Ipv4, mac: Mac, polls: number): NeighborState {
    this.#request(mac, address)
    return this.#armed({ kind: 'refreshing', mac, polls, retryAt: now + this.#settings.retryMs })
  }

  #request(to: Mac, address: Ipv4): void {
    const spa = this.#own.sourceFor(address)
    if (spa === undefined) return
    this.#out.push(send(to, { operation: 'request', sha: this.#mac, spa, tha: NO_MAC, tpa: address }))
  }

  #armed(state: NeighborState): NeighborState {
    this.#nextAt = Math.min(this.#nextAt, dueAt(state))
    return state
  }
}

/** The hardware address that packets may be sent to. */
export function macOf(state: NeighborState): Mac | undefined {
  return state.kind === 'incomplete' || state.kind === 'failed' ? undefined : state.mac
}

function dueAt(state: NeighborState): number {
  switch (state.kind) {
    case 'incomplete':
    case 'refreshing':
      return state.retryAt
    case 'reachable':
      return state.refreshAt
    case 'failed':
      return state.until
    case 'static':
      return Number.POSITIVE_INFINITY
    default:
      return state satisfies never
  }
}
