import { type Endpoint, IPV4_ANY, IPV4_BROADCAST, type IpAddress, type Ipv4, type Ipv6, isMulticast } from '@fata/addr'
import type { Clock, Random } from '@fata/runtime'
import type { DhcpSocket } from '../../src/types.ts'

/** Sockets on one link in virtual time, without the layers between: a datagram arrives two milliseconds later or never. */
export interface Exchange {
  /** A socket that hears its port on `addresses`, of which it may have more later, and broadcasts and groups. */
  socket(port: number, addresses: IpAddress[]): DhcpSocket
  /** Share of datagrams that are lost. */
  loss: number
  /** Sends throw while this is true. */
  down: boolean
  /** Every datagram since the beginning. */
  readonly sent: { readonly src: Endpoint; readonly dst: Endpoint; readonly data: Uint8Array }[]
}

export function createExchange({ clock, random }: { clock: Clock; random: Random }): Exchange {
  const sockets: { port: number; addresses: IpAddress[]; socket: DhcpSocket }[] = []
  const exchange: Exchange = {
    loss: 0,
    down: false,
    sent: [],
    socket(port, addresses) {
      const socket: DhcpSocket = {
        onMessage: undefined,
        send(data, dst, options) {
          if (exchange.down) throw Object.assign(new Error('the device is closed'), { code: 'ERR_NET_CLOSED' })
          const src = { address: options?.src ?? addresses[0] ?? IPV4_ANY, port }
          const copy = data.slice()
          exchange.sent.push({ src, dst, data: copy })
          if (random.uint32() / 2 ** 32 < exchange.loss) return
          clock.schedule(clock.now() + 2, () => {
            for (const { port, addresses, socket: other } of sockets)
              if (other !== socket && port === dst.port && hears(addresses, dst.address))
                other.onMessage?.(copy, 0, copy.length, { src })
          })
        },
      }
      sockets.push({ port, addresses, socket })
      return socket
    },
  }
  return exchange
}

function hears(addresses: readonly IpAddress[], dst: IpAddress): boolean {
  if (dst === IPV4_BROADCAST || isMulticast(dst)) return true
  return addresses.some((a) => (typeof a === 'number' || typeof dst === 'number' ? a === (dst as Ipv4) : same(a, dst)))
}

function same(a: Ipv6, b: Ipv6): boolean {
  return a.w0 === b.w0 && a.w1 === b.w1 && a.w2 === b.w2 && a.w3 === b.w3
}
