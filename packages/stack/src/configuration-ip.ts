import { u16 } from '@fata/bytes'
import { type Ip, PROTOCOL_UDP } from '@fata/ip'

const DST_PORT = 2
const UDP_HEADER_LEN = 8

/**
 * An IP layer of which only datagrams to `ports` are heard. For a UDP of the interface's own that configures it: it comes before the stack's, whose
 * sockets may take every port, and speaks by this interface alone, also while that has no address.
 */
export function configurationIp(ip: Ip, ports: readonly number[]): Ip {
  return {
    addresses: () => ip.addresses(),
    source: (dst) => ip.source(dst),
    mtu: (dst) => ip.mtu(dst),
    offload: (dst) => ip.offload(dst),
    confirm: (dst) => ip.confirm(dst),
    write: (dst, protocol, size, fill, options) => ip.write(dst, protocol, size, fill, options),
    listen: (protocol, listener) =>
      ip.listen(protocol, {
        packet: (buf, off, end, packet) =>
          protocol === PROTOCOL_UDP &&
          end - off >= UDP_HEADER_LEN &&
          ports.includes(u16(buf, off + DST_PORT)) &&
          listener.packet(buf, off, end, packet),
        error: (report) => listener.error?.(report),
        batchEnd: () => listener.batchEnd?.(),
      }),
  }
}
