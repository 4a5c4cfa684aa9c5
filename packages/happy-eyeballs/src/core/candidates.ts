import { type IpAddress, ipKey, isIpv4 } from '@fata/addr'
import { interleave } from './interleave.ts'

/** The addresses that have not been tried, in the order in which they are to be. */
export class Candidates {
  readonly #sort: (addresses: readonly IpAddress[]) => readonly IpAddress[]
  readonly #firstCount: number
  readonly #known = new Set<number | string>()
  #waiting: IpAddress[] = []
  #last: IpAddress | undefined

  constructor(sort: (addresses: readonly IpAddress[]) => readonly IpAddress[], firstCount: number) {
    this.#sort = sort
    this.#firstCount = firstCount
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Addresses that are new join the others; where attempts have been made, the family that was not tried last comes next. */
  add(addresses: readonly IpAddress[]): void {
    for (const address of addresses) {
      if (this.#known.has(ipKey(address))) continue
      this.#known.add(ipKey(address))
      this.#waiting.push(address)
    }
    const sorted = [...this.#sort(this.#waiting)]
    const last = this.#last
    if (last === undefined) {
      this.#waiting = interleave(sorted, this.#firstCount)
      return
    }
    const other = sorted.filter((a) => isIpv4(a) !== isIpv4(last))
    const same = sorted.filter((a) => isIpv4(a) === isIpv4(last))
    this.#waiting = interleave([...other, ...same])
  }

  /** Takes the next one out. */
  next(): IpAddress {
    this.#last = this.#waiting.shift()!
    return this.#last
  }
}
