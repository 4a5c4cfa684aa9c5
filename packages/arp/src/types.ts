import type { Ipv4, Mac } from '@fata/addr'
import type { Link, Neighbors } from '@fata/link'
import type { DropCounts } from '@fata/net'
import type { Clock, Logger, Random } from '@fata/runtime'

/** What ARP needs. The link must have a `mac`. */
export interface ArpDeps {
  readonly link: Link
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger | undefined
}

/** The neighbours on one Ethernet link, and the addresses of this host there. */
export interface Arp extends Neighbors<Ipv4>, ArpCache, ArpAddresses {
  readonly stats: ArpStats
  /** Ends every query (nobody answered) and every probe (`ERR_ARP_CLOSED`), and stops listening and answering. Idempotent. */
  close(): void
}

/** What is known of the neighbours. */
export interface ArpCache {
  /** All entries, in no order that means anything. */
  entries(): readonly ArpEntry[]
  /**
   * Pins the hardware address of a neighbour, or with undefined releases it: no packet changes it and it does not age. Throws ArpError
   * `ERR_ARP_FULL` where every entry of the cache is pinned, a RangeError for an address of this host.
   */
  setStatic(address: Ipv4, mac: Mac | undefined): void
  /** Forgets a neighbour, or all, but not the static ones; queries for it end. For upper layers that find it dead (RFC 1122 §2.3.2.1). */
  flush(address?: Ipv4): void
}

/** One neighbour. */
export interface ArpEntry {
  readonly address: Ipv4
  /** `'refreshing'` is known and being confirmed; `'incomplete'` and `'failed'` have no `mac`. */
  readonly state: 'incomplete' | 'reachable' | 'refreshing' | 'failed' | 'static'
  readonly mac: Mac | undefined
}

/** The addresses of this host on the link: it answers for them, announces them and notices when somebody else uses them. */
export interface ArpAddresses {
  addresses(): readonly Ipv4[]
  /** Uses these addresses and no others. New ones are announced twice, two seconds apart (RFC 5227 §2.3). Throws as `addAddress`. */
  setAddresses(addresses: readonly Ipv4[]): void
  /**
   * Uses one more address, at once: whether it is free is for `probe` to find out before. A neighbour known at it is forgotten. Throws a
   * RangeError for what is no unicast address.
   */
  addAddress(address: Ipv4): void
  /** Ceases to use it. With the last one every query ends: there is nothing to ask with. */
  removeAddress(address: Ipv4): void
  /**
   * Whether an address is free, by RFC 5227 §2.1: takes 4 to 7 seconds, a minute more after ten conflicts. False as soon as somebody claims it
   * or probes for it as well. Rejects with the signal's reason, ArpError `ERR_ARP_CLOSED`, or `ERR_ARP_FULL` where too many are under way.
   */
  probe(address: Ipv4, options?: { readonly signal?: AbortSignal | undefined }): Promise<boolean>
  /** Adds a listener for conflicts over addresses in use and returns the function that removes it. */
  onConflict(listener: (conflict: ArpConflict) => void): () => void
}

/** Another station uses an address of this host (RFC 5227 §2.4). At most two are told in ten seconds for each address. */
export interface ArpConflict {
  readonly address: Ipv4
  /** The other station. */
  readonly mac: Mac
  /**
   * The address has been announced again in its defence. False when that was done less than ten seconds ago: the other does not yield, and
   * unless the address is one that must not be given up, `removeAddress` is what the RFC asks for.
   */
  readonly defended: boolean
  /** By the option `conflictPolicy` this host has ceased to use the address. The IP layer is the listener's to tell. */
  readonly lost: boolean
}

/** Counters since ARP was created. */
export interface ArpStats {
  requestsReceived: number
  repliesReceived: number
  /** Without probes and announcements. */
  requestsSent: number
  repliesSent: number
  probesSent: number
  announcementsSent: number
  /** Queries that ended without an answer. */
  failures: number
  /** Conflicts that were told, see `ArpConflict`. */
  conflicts: number
  /** Entries that gave way to others. */
  evictions: number
  /**
   * Received and without effect: the reasons of `Malformed`, `own-echo`, `not-for-us`, `unsolicited`, `static-entry`, `cache-full`. Not sent:
   * `send-failed` (the device refused). Not queued: `too-many-waiters`.
   */
  readonly dropped: DropCounts
}
