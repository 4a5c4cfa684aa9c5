import { type IpAddress, ipEquals } from '@fata/addr'
import type { ConnectionListener } from './listener.ts'

/** Listeners by port and address. The more exact one is found first: address and port, port, address and any port, any port. */
export class ListenTable {
  readonly #byPort = new Map<number | 'any', ConnectionListener[]>()

  /** The listener for a segment to `address` and `port`. */
  find(address: IpAddress, port: number): ConnectionListener | undefined {
    return this.#match(port, address) ?? this.#match('any', address)
  }

  /** The listener that was made for exactly this, `address` undefined for every address. */
  get(address: IpAddress | undefined, port: number | 'any'): ConnectionListener | undefined {
    return this.#byPort
      .get(port)
      ?.find(({ local: { address: own } }) =>
        own === undefined || address === undefined ? own === address : ipEquals(own, address),
      )
  }

  /** Somebody listens on `port` in particular. */
  isUsed(port: number): boolean {
    return this.#byPort.has(port)
  }

  add(listener: ConnectionListener): void {
    const { port } = listener.local
    const there = this.#byPort.get(port)
    if (there === undefined) this.#byPort.set(port, [listener])
    else there.push(listener)
  }

  remove(listener: ConnectionListener): void {
    const { port } = listener.local
    const rest = (this.#byPort.get(port) ?? []).filter((other) => other !== listener)
    if (rest.length === 0) this.#byPort.delete(port)
    else this.#byPort.set(port, rest)
  }

  all(): ConnectionListener[] {
    return [...this.#byPort.values()].flat()
  }

  #match(port: number | 'any', address: IpAddress): ConnectionListener | undefined {
    const candidates = this.#byPort.get(port)
    if (candidates === undefined) return undefined
    return (
      candidates.find(({ local }) => local.address !== undefined && ipEquals(local.address, address)) ??
      candidates.find(({ local }) => local.address === undefined)
    )
  }
}
