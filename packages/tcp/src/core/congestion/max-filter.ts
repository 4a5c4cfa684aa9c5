/** The maximum of what was seen in the last rounds, by three candidates (Nichols' windowed filter). */
export class MaxFilter {
  readonly #rounds: number
  readonly #values = [0, 0, 0]
  readonly #at = [0, 0, 0]

  constructor(rounds: number) {
    this.#rounds = rounds
  }

  get value(): number {
    return this.#values[0]!
  }

  /** `value` was seen in `round`, which does not go back. */
  add(value: number, round: number): void {
    if (value >= this.#values[0]! || round - this.#at[2]! > this.#rounds) {
      this.#from(0, value, round)
      return
    }
    if (value >= this.#values[1]!) this.#from(1, value, round)
    else if (value >= this.#values[2]!) this.#from(2, value, round)
    this.#age(value, round)
  }

  #age(value: number, round: number): void {
    if (round - this.#at[0]! > this.#rounds) {
      this.#shift()
      this.#from(2, value, round)
      if (round - this.#at[0]! > this.#rounds) {
        this.#shift()
        this.#from(2, value, round)
      }
    } else if (this.#at[1] === this.#at[0] && round - this.#at[0]! > this.#rounds / 4) {
      this.#from(1, value, round)
    } else if (this.#at[2] === this.#at[1] && round - this.#at[0]! > this.#rounds / 2) {
      this.#from(2, value, round)
    }
  }

  #from(first: number, value: number, round: number): void {
    this.#values.fill(value, first)
    this.#at.fill(round, first)
  }

  #shift(): void {
    this.#values.copyWithin(0, 1)
    this.#at.copyWithin(0, 1)
  }
}
