import { formatIpv6, type Ipv6Prefix } from '@fata/addr'
import { IpError } from '@fata/ip'
import type { Logger } from '@fata/runtime'
import { type AddressChange, isUsable, type OwnAddress, prefixOf } from './core/addresses.ts'
import type { Ipv6Core } from './core/core.ts'
import { closedError } from './sender.ts'
import type { AddressInfo, Ipv6Event } from './types.ts'

/** An address as it is shown outside. */
export function infoOf(own: OwnAddress): AddressInfo {
  const { address, prefixLength, origin, state, preferredUntil, validUntil } = own
  return { address, prefixLength, origin, state: state.kind, preferredUntil, validUntil }
}

/** The addresses that may be used. */
export function usablePrefixes(core: Ipv6Core): Ipv6Prefix[] {
  const { addresses, disabled } = core.host
  return disabled ? [] : addresses.list.filter(isUsable).map(prefixOf)
}

/** Those who want to know what happens. */
export class Watchers {
  readonly #core: Ipv6Core
  readonly #log: Logger
  readonly #events = new Set<(event: Ipv6Event) => void>()
  readonly #addresses = new Set<(addresses: readonly Ipv6Prefix[]) => void>()

  constructor(core: Ipv6Core, log: Logger) {
    this.#core = core
    this.#log = log
  }

  onEvent(listener: (event: Ipv6Event) => void): () => void {
    // A function of its own, so that one which is given twice is removed once at a time.
    const own = (event: Ipv6Event): void => listener(event)
    this.#events.add(own)
    return () => void this.#events.delete(own)
  }

  onAddresses(changed: (addresses: readonly Ipv6Prefix[]) => void): () => void {
    const own = (addresses: readonly Ipv6Prefix[]): void => changed(addresses)
    this.#addresses.add(own)
    return () => void this.#addresses.delete(own)
  }

  addressChanged(own: OwnAddress, change: AddressChange): void {
    const address = infoOf(own)
    if (change === 'duplicate') this.#complain('address is in use by another node', own)
    this.tell({ kind: 'address', address, change })
    if (change === 'tentative' || change === 'deprecated') return
    for (const changed of [...this.#addresses]) changed(usablePrefixes(this.#core))
  }

  conflict(own: OwnAddress): void {
    this.#complain('another node claims an address in use', own)
    this.tell({ kind: 'conflict', address: infoOf(own) })
  }

  /** RFC 4862 §5.4.5: a system management error. */
  #complain(message: string, { address, origin }: OwnAddress): void {
    if (this.#log.enabled('warn')) this.#log.log('warn', 'ipv6', message, { address: formatIpv6(address), origin })
  }

  tell(event: Ipv6Event): void {
    for (const listener of [...this.#events]) listener(event)
  }

  clear(): void {
    this.#events.clear()
    this.#addresses.clear()
  }
}

/** Whether the addresses of the start may be used. */
export class Readiness {
  readonly promise: Promise<void>
  readonly #core: Ipv6Core
  #resolve: () => void = () => {}
  #reject: (reason: unknown) => void = () => {}

  constructor(core: Ipv6Core) {
    this.#core = core
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    // Who does not ask is not told.
    this.promise.catch(() => {})
  }

  /** Some address has changed, or there may be none to wait for. */
  check(): void {
    const initial = this.#core.host.addresses.list.filter(
      ({ origin }) => origin === 'link-local' || origin === 'static',
    )
    const duplicate = initial.find((own) => own.state.kind === 'duplicate')
    if (duplicate !== undefined) {
      const address = formatIpv6(duplicate.address)
      this.#reject(new IpError('ERR_IP_DUPLICATE_ADDRESS', `another node on the link has ${address}`))
    } else if (initial.every(isUsable)) this.#resolve()
  }

  close(): void {
    this.#reject(closedError())
  }
}
