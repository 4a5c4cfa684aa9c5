import type { Ipv6 } from '@fata/addr'
import { assert } from '@fata/bytes'

/** An entry of an `AddressTable`, which owns `used` and `chained`. */
export interface TableEntry<E> {
  readonly address: Ipv6
  /** When it was last touched, in touches; 0 for never. */
  used: number
  chained: E | undefined
}

/**
 * At most `capacity` entries by address. Looking up allocates nothing, which a Map with a string key would. `seed` keeps a
 * peer from choosing addresses that collide.
 */
export class AddressTable<E extends TableEntry<E>> {
  readonly capacity: number
  readonly #buckets: (E | undefined)[]
  readonly #seed: number
  #size = 0
  #touches = 0

  constructor(capacity: number, seed: number) {
    this.capacity = capacity
    this.#seed = seed
    this.#buckets = new Array(2 ** Math.ceil(Math.log2(capacity))).fill(undefined)
  }

  get size(): number {
    return this.#size
  }

  get(a: Ipv6): E | undefined {
    let e = this.#buckets[this.#bucket(a)]
    while (
      e !== undefined &&
      !(e.address.w3 === a.w3 && e.address.w2 === a.w2 && e.address.w1 === a.w1 && e.address.w0 === a.w0)
    ) {
      e = e.chained
    }
    return e
  }

  /** Marks `e` as the most recently used. */
  touch(e: E): void {
    e.used = ++this.#touches
  }

  /** Adds an entry whose address is not in the table, which is not full. */
  add(e: E): void {
    assert(this.#size < this.capacity, 'callers make room')
    const i = this.#bucket(e.address)
    e.chained = this.#buckets[i]
    this.#buckets[i] = e
    this.#size++
  }

  /** Removes an entry of the table. */
  delete(e: E): void {
    const i = this.#bucket(e.address)
    let at = this.#buckets[i]
    if (at === e) this.#buckets[i] = e.chained
    else {
      while (at !== undefined && at.chained !== e) at = at.chained
      assert(at !== undefined, 'an entry is removed once')
      at.chained = e.chained
    }
    e.chained = undefined
    this.#size--
  }

  /** The entry of lowest `rank`, of several the least recently used one. Linear: for a full table only. */
  victim(rank: (e: E) => number): E {
    let worst: E | undefined
    let worstRank = 0
    for (const e of this) {
      const r = rank(e)
      if (worst === undefined || r < worstRank || (r === worstRank && e.used < worst.used)) {
        worst = e
        worstRank = r
      }
    }
    assert(worst !== undefined, 'a full table is not empty')
    return worst
  }

  /** Every entry; the one at hand may be deleted. */
  *[Symbol.iterator](): Generator<E, void, void> {
    for (const bucket of this.#buckets) {
      for (let e = bucket; e !== undefined; ) {
        const next: E | undefined = e.chained
        yield e
        e = next
      }
    }
  }

  #bucket(a: Ipv6): number {
    let h = this.#seed ^ a.w0
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ a.w1
    h = Math.imul(h ^ (h >>> 13), 0x297a2d39) ^ a.w2
    h = Math.imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ a.w3
    h = Math.imul(h ^ (h >>> 13), 0x297a2d39)
    return (h ^ (h >>> 16)) & (this.#buckets.length - 1)
  }
}
