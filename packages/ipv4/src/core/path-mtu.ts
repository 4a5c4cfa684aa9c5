import type { Ipv4 } from '@fata/addr'

/** RFC 1191 §7: MTUs that exist, for routers that do not say theirs. */
const PLATEAUS = [32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68]

/** No link has less: RFC 791 §3.2. */
const LEAST_MTU = 68

interface Entry {
  readonly mtu: number
  /** A link on the way takes less than `mtu`, which we do not go below: packets must be fragmentable. */
  readonly fragments: boolean
  readonly until: number
}

/**
 * What 'fragmentation needed' told about destinations: RFC 1191. Estimates are lowered by messages and forgotten with time, never raised
 * by a message.
 *
 * Differs from the RFC in: estimates are per destination, whatever the source and traffic class; below a configured floor packets are
 * sent without DF instead of ever smaller (§3 allows it), so that a forged message costs little.
 */
export class PathMtus {
  readonly #max: number
  readonly #floor: number
  readonly #lifetimeMs: number
  /** Least recently lowered first. */
  readonly #entries = new Map<Ipv4, Entry>()

  constructor(limits: {
    readonly maxPathMtus: number
    readonly minPathMtu: number
    readonly pathMtuLifetimeMs: number
  }) {
    this.#max = limits.maxPathMtus
    this.#floor = limits.minPathMtu
    this.#lifetimeMs = limits.pathMtuLifetimeMs
  }

  get size(): number {
    return this.#entries.size
  }

  /** Largest packet for `dst` that is known to pass; Infinity where nothing is known. */
  limit(dst: Ipv4): number {
    if (this.#entries.size === 0) return Number.POSITIVE_INFINITY
    return this.#entries.get(dst)?.mtu ?? Number.POSITIVE_INFINITY
  }

  /** Packets to `dst` must go without DF. */
  mustFragment(dst: Ipv4): boolean {
    return this.#entries.size !== 0 && this.#entries.get(dst)?.fragments === true
  }

  /**
   * A router could not pass on a packet of `length` bytes (of which `headerLength` header) to `dst` since its next link takes `mtu`, or
   * does not say what it takes (0). `linkMtu` is our own link's. Returns whether the estimate fell.
   */
  tooBig(now: number, dst: Ipv4, mtu: number, length: number, headerLength: number, linkMtu: number): boolean {
    const current = Math.min(this.limit(dst), linkMtu)
    const told = mtu === 0 ? plateauBelow(length >= current ? length - headerLength : length) : mtu
    // A link that would have taken the packet cannot have refused it.
    if (told < LEAST_MTU || (mtu !== 0 && told >= length)) return false
    const next = Math.max(told, Math.min(this.#floor, current))
    const fragments = told < next
    if (next > current || (next === current && !fragments) || (next === current && this.mustFragment(dst))) return false
    this.#entries.delete(dst)
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < this.#max) break
      this.#entries.delete(oldest)
    }
    this.#entries.set(dst, { mtu: next, fragments, until: now + this.#lifetimeMs })
    return true
  }

  timeout(now: number): void {
    for (const [dst, entry] of this.#entries) {
      if (entry.until > now) return
      this.#entries.delete(dst)
    }
  }

  deadline(): number {
    for (const entry of this.#entries.values()) return entry.until
    return Number.POSITIVE_INFINITY
  }
}

/** The greatest plateau below `length`. RFC 1191 §5. */
function plateauBelow(length: number): number {
  for (const plateau of PLATEAUS) if (plateau < length) return plateau
  return LEAST_MTU
}
