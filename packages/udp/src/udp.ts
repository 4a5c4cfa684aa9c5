import { type Endpoint, formatIp, type IpAddress } from '@fata/addr'
import { type GroupMembership, type Ip, type IpGroups, PROTOCOL_UDP, type SourceFilter } from '@fata/ip'
import type { Fill } from '@fata/net'
import { type Logger, type Random, silentLogger } from '@fata/runtime'
import { setUp } from './bind.ts'
import { ephemeralPort } from './core/ephemeral.ts'
import { PortTable } from './core/port-table.ts'
import { UdpError } from './errors.ts'
import { settings, type UdpOptions, type UdpSettings } from './options.ts'
import { Receiver } from './receiver.ts'
import { asUdpError } from './reports.ts'
import { Sender } from './sender.ts'
import { requireConnectable, Socket, type SocketHost } from './socket.ts'
import { countSent, createStats } from './stats.ts'
import type { Udp, UdpBindOptions, UdpSendOptions, UdpSocket, UdpStats } from './types.ts'

/** What UDP needs. `ip` may serve one family or both. */
export interface UdpDeps {
  readonly ip: Ip
  /** Where sockets join groups: mostly `ip` itself. Without it they cannot. */
  readonly groups?: IpGroups | undefined
  readonly random: Random
  readonly log?: Logger | undefined
}

/** Speaks UDP over IP and becomes a listener for that protocol. */
export function createUdp(deps: UdpDeps, options: UdpOptions = {}): Udp {
  return new UdpShell(deps, settings(options))
}

class UdpShell implements Udp, SocketHost {
  readonly stats: UdpStats = createStats()
  readonly #ip: Ip
  readonly #groups: IpGroups | undefined
  readonly #random: Random
  readonly #settings: UdpSettings
  readonly #table: PortTable<Socket>
  readonly #sender: Sender
  readonly #unlisten: () => void
  #closed = false

  constructor({ ip, groups, random, log = silentLogger }: UdpDeps, set: UdpSettings) {
    this.#ip = ip
    this.#groups = groups
    this.#random = random
    this.#settings = set
    this.#table = new PortTable(random.uint32())
    this.#sender = new Sender(ip)
    this.#unlisten = ip.listen(PROTOCOL_UDP, new Receiver(this.#table, this.stats, log))
  }

  bind(options: UdpBindOptions = {}): UdpSocket {
    const { signal, remote } = options
    if (this.#closed) throw new UdpError('ERR_UDP_CLOSED', 'UDP is closed')
    signal?.throwIfAborted()
    if (this.#table.size >= this.#settings.maxSockets)
      throw new UdpError('ERR_UDP_LIMIT', `${this.#settings.maxSockets} sockets are open`)
    const socket = new Socket(this, setUp(this.#ip, options, this.#settings, this.#choosePort))
    if (remote !== undefined) {
      requireConnectable(socket, remote)
      socket.remote = { address: remote.address, port: remote.port }
    }
    if (!this.#table.add(socket)) {
      const where = socket.address === undefined ? '' : ` of ${formatIp(socket.address)}`
      throw new UdpError('ERR_UDP_PORT_IN_USE', `port ${socket.port}${where} is in use`)
    }
    if (signal !== undefined) socket.closeOn(signal)
    return socket
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#unlisten()
    for (const socket of this.#table.all()) void socket.close()
  }

  send(socket: Socket, dst: Endpoint, size: number, fill: Fill, options: UdpSendOptions | undefined): number {
    const bytes = this.#sender.send(socket, dst, size, fill, options)
    countSent(this.stats, bytes)
    return bytes
  }

  maxPayload(dst: Endpoint): number {
    return this.#sender.maxPayload(dst)
  }

  reconnect(socket: Socket, remote: Endpoint | undefined): boolean {
    const before = socket.remote
    this.#table.remove(socket)
    socket.remote = remote
    if (this.#table.add(socket)) return true
    socket.remote = before
    this.#table.add(socket)
    return false
  }

  join(group: IpAddress, filter: SourceFilter | undefined): GroupMembership {
    if (this.#groups === undefined) throw new TypeError('this UDP was made without groups')
    try {
      return this.#groups.join(group, filter)
    } catch (error) {
      throw asUdpError(error, { address: group, port: 0 })
    }
  }

  release(socket: Socket): void {
    this.#table.remove(socket)
  }

  readonly #choosePort = (): number => {
    const { firstEphemeralPort: first, lastEphemeralPort: last } = this.#settings
    const port = ephemeralPort(this.#random, first, last, (candidate) => this.#table.isUsed(candidate))
    if (port === undefined) throw new UdpError('ERR_UDP_NO_PORT', `every port of ${first}..${last} is in use`)
    return port
  }
}
