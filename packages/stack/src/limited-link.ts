import type { Link } from '@fata/link'

/** A link of which less may be used than it takes. */
export interface LimitedLink extends Link {
  /** Bytes of IP packet; Infinity for no limit but the link's own. */
  limit: number
}

/** Puts a limit on the packets of one IP layer, as an interface MTU that comes by DHCP does (RFC 2132 §5.1). */
export function limitedLink(link: Link): LimitedLink {
  return {
    limit: Number.POSITIVE_INFINITY,
    mac: link.mac,
    get mtu() {
      return Math.min(link.mtu, this.limit)
    },
    get offload() {
      return link.offload
    },
    write: (dst, protocol, size, fill, meta, payload) => link.write(dst, protocol, size, fill, meta, payload),
    listen: (protocol, listener) => link.listen(protocol, listener),
  }
}
