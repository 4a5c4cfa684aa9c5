import { formatIp, type IpAddress, isIpv4 } from '@fata/addr'
import type { UdpBindOptions } from '@fata/udp'
import { type Udp, UdpError, type UdpSocket, type UdpStats } from '@fata/udp'
import { StackError } from '../errors.ts'
import type { Places } from './places.ts'
import { HostUdpSocket } from './udp-socket.ts'

const QUEUE_DATAGRAMS = 256
const QUEUE_BYTES = 1024 * 1024

/** UDP of the host. */
export class SocketUdp implements Udp {
  readonly stats: UdpStats = { rxDatagrams: 0, rxBytes: 0, txDatagrams: 0, txBytes: 0, dropped: {} }
  readonly #places: Places
  readonly #sockets = new Set<HostUdpSocket>()
  #closed = false

  constructor(places: Places) {
    this.#places = places
  }

  bind(options: UdpBindOptions = {}): UdpSocket {
    const { port = 0, signal, remote } = options
    if (port === 'any')
      throw new StackError('ERR_STACK_UNSUPPORTED', "port 'any': not to be had over the host's sockets")
    if (options.transparent === true)
      throw new StackError('ERR_STACK_UNSUPPORTED', "transparent: not to be had over the host's sockets")
    if (!(Number.isInteger(port) && port >= 0 && port <= 65535))
      throw new RangeError(`port must be an integer in 0..65535, got ${port}`)
    signal?.throwIfAborted()
    if (this.#closed) throw new UdpError('ERR_UDP_CLOSED', 'UDP is closed')
    for (const address of [options.address, remote?.address]) if (address !== undefined) this.#requireFamily(address)
    const socket = new HostUdpSocket(this.#where(options), { ...options, port }, this.stats, {
      queueDatagrams: options.queueDatagrams ?? QUEUE_DATAGRAMS,
      queueBytes: options.queueBytes ?? QUEUE_BYTES,
      closed: () => void this.#sockets.delete(socket),
    })
    this.#sockets.add(socket)
    if (signal !== undefined) {
      signal.addEventListener('abort', () => void socket.close(), { once: true })
    }
    return socket
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#sockets].map((socket) => socket.close()))
  }

  #requireFamily(address: IpAddress): void {
    if (!this.#places.has(address))
      throw new UdpError('ERR_UDP_FAMILY', `${formatIp(address)}: this stack has not its family`)
  }

  /** The address to bind to, or the family of which every one is heard. */
  #where({ address, remote }: UdpBindOptions): {
    readonly address: IpAddress | undefined
    readonly family: 4 | 6 | 'both'
  } {
    if (address !== undefined) return { address, family: isIpv4(address) ? 4 : 6 }
    const { mode, families } = this.#places
    const family = remote === undefined ? undefined : isIpv4(remote.address) ? 4 : 6
    // Who speaks to one peer only goes by the address of its family, if there is one that is not every one.
    const own = mode.kind === 'addresses' ? mode.prefixes.map((prefix): IpAddress => prefix.address) : []
    const fitting = own.filter((a) => family === undefined || isIpv4(a) === (family === 4))
    if (remote === undefined && fitting.length === 1)
      return { address: fitting[0], family: isIpv4(fitting[0]!) ? 4 : 6 }
    return { address: undefined, family: family ?? (families.length === 1 ? families[0]! : 'both') }
  }
}
