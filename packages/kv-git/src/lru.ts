/** What was used last, as far as it weighs no more than the limit together. */
export class Lru<T> {
  readonly #limit: number
  readonly #weigh: (value: T) => number
  readonly #entries = new Map<string, T>()
  #weight = 0

  constructor(limit: number, weigh: (value: T) => number = () => 1) {
    this.#limit = limit
    this.#weigh = weigh
  }

  get(key: string): T | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set(key: string, value: T): void {
    const before = this.#entries.get(key)
    if (before !== undefined) this.#weight -= this.#weigh(before)
    this.#entries.delete(key)
    this.#entries.set(key, value)
    this.#weight += this.#weigh(value)
    for (const [oldest, old] of this.#entries) {
      if (this.#weight <= this.#limit) break
      this.#entries.delete(oldest)
      this.#weight -= this.#weigh(old)
    }
  }
}
