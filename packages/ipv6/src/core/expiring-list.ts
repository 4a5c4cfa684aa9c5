/**
 * What routers advertise for a time, at most `capacity` items, in the order in which they were first heard. Of a full list the item
 * goes that ends first (RFC 8106 §6.2), unless the new one ends before it.
 */
export class ExpiringList<T> {
  readonly #capacity: number
  readonly #same: (a: T, b: T) => boolean
  readonly #items: { readonly value: T; until: number }[] = []

  constructor(capacity: number, same: (a: T, b: T) => boolean) {
    this.#capacity = capacity
    this.#same = same
  }

  get values(): readonly T[] {
    return this.#items.map((item) => item.value)
  }

  /** Every value with its end. */
  get items(): readonly { readonly value: T; readonly until: number }[] {
    return this.#items
  }

  /** `value` is good until then; a time that has come removes it. Says whether the list has changed, or has no room. */
  set(now: number, value: T, until: number): 'changed' | 'unchanged' | 'full' {
    const index = this.#items.findIndex((item) => this.#same(item.value, value))
    if (until <= now) {
      if (index < 0) return 'unchanged'
      this.#items.splice(index, 1)
      return 'changed'
    }
    if (index >= 0) {
      this.#items[index]!.until = until
      return 'unchanged'
    }
    if (this.#items.length === this.#capacity && !this.#makeRoom(until)) return 'full'
    this.#items.push({ value, until })
    return 'changed'
  }

  #makeRoom(until: number): boolean {
    let first = 0
    for (let i = 1; i < this.#items.length; i++) if (this.#items[i]!.until < this.#items[first]!.until) first = i
    if (this.#items[first]!.until >= until) return false
    this.#items.splice(first, 1)
    return true
  }

  deadline(): number {
    let at = Number.POSITIVE_INFINITY
    for (const item of this.#items) at = Math.min(at, item.until)
    return at
  }

  /** Lets go of what has ended. Says whether there was any. */
  timeout(now: number): boolean {
    const kept = this.#items.filter((item) => item.until > now)
    if (kept.length === this.#items.length) return false
    this.#items.splice(0, this.#items.length, ...kept)
    return true
  }
}
