import { type Endpoint, type IpAddress, ipEquals, isIpv4 } from '@fata/addr'

/** What a socket hears. */
export interface Binding {
  /** One address, or undefined for every address of `family`. */
  readonly local: IpAddress | undefined
  readonly family: Family
  /** `EVERY_PORT`: whatever port nobody else hears. */
  readonly localPort: number
  /** The only peer. */
  readonly remote: Endpoint | undefined
  /** Others may have the same binding, where all of them say so. */
  readonly shared: boolean
}

export type Family = 'ipv4' | 'ipv6' | 'both'

export const EVERY_PORT = 0

/**
 * Which socket gets a datagram: the most specific one. A connected socket comes before one that is not, one address before all of a family
 * before all, one port before every port, and among equals the latest.
 *
 * Connected sockets are found by a hash, since a server may have one for each of many peers on one port. The hash is seeded: the peers
 * choose half of what goes into it.
 */
export class PortTable<S extends Binding> {
  readonly #listening = new Map<number, S[]>()
  readonly #connected = new Map<number, S[]>()
  /** Sockets by local port, connected or not. */
  readonly #users = new Map<number, number>()
  readonly #seed: number
  #size = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  get size(): number {
    return this.#size
  }

  /** False, and nothing changed, where somebody has the same binding. */
  add(socket: S): boolean {
    const table = socket.remote === undefined ? this.#listening : this.#connected
    const key = this.#keyOf(socket)
    const list = table.get(key) ?? []
    if (list.some((other) => excludes(socket, other))) return false
    const at = list.findIndex((other) => rank(other) >= rank(socket))
    list.splice(at < 0 ? list.length : at, 0, socket)
    table.set(key, list)
    this.#users.set(socket.localPort, (this.#users.get(socket.localPort) ?? 0) + 1)
    this.#size++
    return true
  }

  /** The binding must be as it was when it was added. */
  remove(socket: S): void {
    const table = socket.remote === undefined ? this.#listening : this.#connected
    const key = this.#keyOf(socket)
    const list = table.get(key) ?? []
    const at = list.indexOf(socket)
    if (at < 0) return
    list.splice(at, 1)
    if (list.length === 0) table.delete(key)
    const users = this.#users.get(socket.localPort)! - 1
    if (users === 0) this.#users.delete(socket.localPort)
    else this.#users.set(socket.localPort, users)
    this.#size--
  }

  isUsed(port: number): boolean {
    return this.#users.has(port)
  }

  /** The socket for a datagram from `remote` to `local`. */
  find(remote: IpAddress, remotePort: number, local: IpAddress, localPort: number): S | undefined {
    const connected = this.#bucket(remote, remotePort, localPort)
    if (connected !== undefined)
      for (const socket of connected)
        if (isPeer(socket, remote, remotePort, localPort) && accepts(socket, local)) return socket
    return first(this.#listening.get(localPort), local) ?? first(this.#listening.get(EVERY_PORT), local)
  }

  /** Every socket for a datagram to a group, into `found`. Those of every port count only where there is no other. */
  findAll(remote: IpAddress, remotePort: number, local: IpAddress, localPort: number, found: S[]): void {
    found.length = 0
    const connected = this.#bucket(remote, remotePort, localPort)
    if (connected !== undefined)
      for (const socket of connected)
        if (isPeer(socket, remote, remotePort, localPort) && accepts(socket, local)) found.push(socket)
    collect(this.#listening.get(localPort), local, found)
    if (found.length === 0) collect(this.#listening.get(EVERY_PORT), local, found)
  }

  /** All sockets, in an array of its own. */
  all(): S[] {
    return [...this.#listening.values(), ...this.#connected.values()].flat()
  }

  #bucket(remote: IpAddress, remotePort: number, localPort: number): S[] | undefined {
    return this.#connected.size === 0 ? undefined : this.#connected.get(this.#hash(remote, remotePort, localPort))
  }

  #keyOf({ remote, localPort }: S): number {
    return remote === undefined ? localPort : this.#hash(remote.address, remote.port, localPort)
  }

  #hash(remote: IpAddress, remotePort: number, localPort: number): number {
    const h = mix(this.#seed, (remotePort << 16) | localPort)
    return isIpv4(remote) ? mix(h, remote) : mix(mix(mix(mix(h, remote.w0), remote.w1), remote.w2), remote.w3)
  }
}

function mix(h: number, word: number): number {
  const m = Math.imul(h ^ word, 0x9e3779b1)
  return m ^ (m >>> 15)
}

function accepts(socket: Binding, local: IpAddress): boolean {
  if (socket.local !== undefined) return ipEquals(socket.local, local)
  return socket.family === 'both' || (socket.family === 'ipv4') === isIpv4(local)
}

function isPeer(socket: Binding, remote: IpAddress, remotePort: number, localPort: number): boolean {
  const peer = socket.remote!
  return socket.localPort === localPort && peer.port === remotePort && ipEquals(peer.address, remote)
}

function first<S extends Binding>(list: readonly S[] | undefined, local: IpAddress): S | undefined {
  if (list === undefined) return undefined
  for (const socket of list) if (accepts(socket, local)) return socket
  return undefined
}

function collect<S extends Binding>(list: readonly S[] | undefined, local: IpAddress, found: S[]): void {
  if (list === undefined) return
  for (const socket of list) if (accepts(socket, local)) found.push(socket)
}

function rank({ local, family }: Binding): number {
  return local !== undefined ? 0 : family !== 'both' ? 1 : 2
}

function excludes(a: Binding, b: Binding): boolean {
  if ((a.shared && b.shared) || a.localPort !== b.localPort) return false
  if (a.remote !== undefined && b.remote !== undefined && !sameEndpoint(a.remote, b.remote)) return false
  if (a.local !== undefined && b.local !== undefined) return ipEquals(a.local, b.local)
  const overlap = a.family === 'both' || b.family === 'both' || a.family === b.family
  return a.local === undefined && b.local === undefined && overlap
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && ipEquals(a.address, b.address)
}
