import { type Ipv4, MAC_BROADCAST, type Mac } from '@fata/addr'
import type { ConflictPolicy } from '../options.ts'
import { type ArpOutput, NO_MAC, send } from './output.ts'

/** RFC 5227 §1.1 */
const ANNOUNCE_NUM = 2
const ANNOUNCE_INTERVAL_MS = 2000
const DEFEND_INTERVAL_MS = 10_000

/** How an address in use has been contested. */
interface Defence {
  /** When it was last defended. */
  defendedAt: number
  /** A second conflict within DEFEND_INTERVAL has been reported. */
  reported: boolean
}

/** ARP Announcements still to be sent, and when the next one is due. */
interface Announcing {
  left: number
  at: number
}

/**
 * The addresses that this host uses on the link: announced when they come (RFC 5227 §2.3), and defended or given up by the policies of
 * §2.4. The configuring agent hears of every conflict that changes anything, and may give an address up by itself.
 */
export class OwnAddresses {
  readonly #addresses = new Map<Ipv4, Defence>()
  readonly #announcing = new Map<Ipv4, Announcing>()
  readonly #mac: Mac
  readonly #policy: ConflictPolicy
  readonly #out: ArpOutput[]

  constructor(mac: Mac, policy: ConflictPolicy, out: ArpOutput[]) {
    this.#mac = mac
    this.#policy = policy
    this.#out = out
  }

  get size(): number {
    return this.#addresses.size
  }

  has(address: Ipv4): boolean {
    return this.#addresses.has(address)
  }

  list(): readonly Ipv4[] {
    return [...this.#addresses.keys()]
  }

  /** Starts to use an address: the first announcement goes out at once. */
  add(now: number, address: Ipv4): void {
    if (this.#addresses.has(address)) return
    this.#addresses.set(address, { defendedAt: Number.NEGATIVE_INFINITY, reported: false })
    this.#sendAnnouncement(address)
    this.#announcing.set(address, { left: ANNOUNCE_NUM - 1, at: now + ANNOUNCE_INTERVAL_MS })
  }

  /** Ceases to use it. */
  remove(address: Ipv4): void {
    this.#addresses.delete(address)
    this.#announcing.delete(address)
  }

  clear(): void {
    this.#addresses.clear()
    this.#announcing.clear()
  }

  /** The address to ask for `target` with: the one that shares the longest prefix, which is the one on its subnet. */
  sourceFor(target: Ipv4): Ipv4 | undefined {
    let best: Ipv4 | undefined
    let shared = -1
    for (const address of this.#addresses.keys()) {
      const bits = Math.clz32(address ^ target)
      if (bits <= shared) continue
      best = address
      shared = bits
    }
    return best
  }

  /** A conflicting packet (RFC 5227 §2.4). At most one announcement within DEFEND_INTERVAL is made in defence. */
  conflict(now: number, address: Ipv4, mac: Mac): void {
    const own = this.#addresses.get(address)
    if (own === undefined) return
    const isRecent = now - own.defendedAt < DEFEND_INTERVAL_MS
    if (this.#policy === 'yield' || (this.#policy === 'defend-once' && isRecent)) {
      this.remove(address)
      this.#out.push({ kind: 'conflict', address, mac, defended: false, lost: true })
    } else if (!isRecent) {
      own.defendedAt = now
      own.reported = false
      this.#sendAnnouncement(address)
      this.#out.push({ kind: 'conflict', address, mac, defended: true, lost: false })
    } else if (!own.reported) {
      own.reported = true
      this.#out.push({ kind: 'conflict', address, mac, defended: false, lost: false })
    }
  }

  timeout(now: number): void {
    for (const [address, announcing] of this.#announcing) {
      if (announcing.at > now) continue
      this.#sendAnnouncement(address)
      announcing.left--
      announcing.at = now + ANNOUNCE_INTERVAL_MS
      if (announcing.left === 0) this.#announcing.delete(address)
    }
  }

  deadline(): number {
    let at = Number.POSITIVE_INFINITY
    for (const announcing of this.#announcing.values()) at = Math.min(at, announcing.at)
    return at
  }

  /** A request, not a reply: RFC 5227 §3 has the reasons. */
  #sendAnnouncement(address: Ipv4): void {
    this.#out.push(
      send(MAC_BROADCAST, { operation: 'request', sha: this.#mac, spa: address, tha: NO_MAC, tpa: address }),
    )
  }
}
