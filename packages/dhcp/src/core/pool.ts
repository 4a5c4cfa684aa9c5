import type { Ipv4 } from '@fata/addr'

/** Addresses from `first` to `last`, both included. */
export interface AddressRange {
  readonly first: Ipv4
  readonly last: Ipv4
}

/** The addresses that a server may give to anybody, in order, without those set apart. Ranges must not overlap. */
export class AddressPool {
  readonly #ranges: readonly AddressRange[]
  readonly #apart: ReadonlySet<Ipv4>
  /** Addresses in all ranges, those set apart included. */
  readonly size: number

  constructor(ranges: readonly AddressRange[], apart: Iterable<Ipv4>) {
    this.#ranges = ranges
    this.#apart = new Set(apart)
    this.size = ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0)
  }

  has(address: Ipv4): boolean {
    return !this.#apart.has(address) && this.#ranges.some(({ first, last }) => address >= first && address <= last)
  }

  /** Every address once, beginning `start` addresses into the pool. */
  *from(start: number): Generator<Ipv4, void> {
    for (let i = 0; i < this.size; i++) {
      const address = this.#at((start + i) % this.size)
      if (!this.#apart.has(address)) yield address
    }
  }

  #at(index: number): Ipv4 {
    let i = index
    let range = this.#ranges[0]!
    for (range of this.#ranges) {
      const size = range.last - range.first + 1
      if (i < size) break
      i -= size
    }
    return (range.first + i) as Ipv4
  }
}
