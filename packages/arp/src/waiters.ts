import type { Ipv4, Mac } from '@fata/addr'

type Done = (mac: Mac | undefined) => void

/** Who waits for which address. */
export class Waiters {
  readonly #waiting = new Map<Ipv4, Done[]>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  /** False where as many wait for the address as may. */
  add(address: Ipv4, done: Done): boolean {
    const list = this.#waiting.get(address)
    if (list === undefined) this.#waiting.set(address, [done])
    else if (list.length < this.#most) list.push(done)
    else return false
    return true
  }

  /** Tells all who wait for the address, also when one of them throws; the first error is thrown on afterwards. */
  settle(address: Ipv4, mac: Mac | undefined): void {
    const list = this.#waiting.get(address)
    if (list === undefined) return
    this.#waiting.delete(address)
    const errors: unknown[] = []
    for (const done of list) {
      try {
        done(mac)
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw errors[0]
  }
}
