import { type Endpoint, formatEndpoint, type IpAddress } from '@fata/addr'
import { countDrop } from '@fata/net'
import type { Logger } from '@fata/runtime'
import { isOperational } from './errors.ts'
import type { DhcpSocket, DhcpStats } from './types.ts'

/** Sends through a socket that may refuse: nobody's timer crashes since the device is gone, the next transmission tries again. */
export function sendCounted(
  { socket, stats, log }: { readonly socket: DhcpSocket; readonly stats: DhcpStats; readonly log: Logger },
  data: Uint8Array,
  dst: Endpoint,
  src: IpAddress | undefined,
): void {
  try {
    socket.send(data, dst, { src })
    stats.sent++
  } catch (error) {
    if (!isOperational(error)) throw error
    countDrop(stats.unsent, 'send-failed')
    if (log.enabled('warn'))
      log.log('warn', 'dhcp', 'cannot send', { to: formatEndpoint(dst), error: (error as Error).message })
  }
}
