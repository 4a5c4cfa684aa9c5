import { type IpAddress, type Ipv6, ipv6, ipv6Prefix, isIpv4 } from '@fata/addr'
import {
  decodeV6,
  encodeV6,
  getV6Option,
  OPTION_V6_CLIENT_ID,
  OPTION_V6_DNS_SERVERS,
  OPTION_V6_IA_NA,
  OPTION_V6_SERVER_ID,
  type V6Message,
  v6Option,
} from '@fata/dhcp/wire'
import { decode, encode } from '@fata/dns/wire'
import { PROTOCOL_ICMPV6 } from '@fata/ip'
import { encodeNd, finishIcmpv6, type NdOptions, ndLength, type RouterAdvertisement } from '@fata/ipv6/wire'
import type { DirectStack, Stack } from '@fata/stack'

/** Sends a router advertisement to everybody on the link of `router`. */
export function advertise(router: DirectStack, said: Partial<RouterAdvertisement> = {}): void {
  const message: RouterAdvertisement = {
    kind: 'router-advertisement',
    curHopLimit: 0,
    managed: false,
    other: false,
    preference: 'medium',
    routerLifetime: 1800,
    reachableTime: 0,
    retransTimer: 0,
    options: {},
    ...said,
  }
  const ipv6Layer = router.layers.ipv6!
  const dst = ipv6('ff02::1')
  const src = ipv6Layer.state().addresses.find(({ origin }) => origin === 'link-local')!.address
  const size = ndLength(message)
  const fill = (buf: Uint8Array, off: number): number => {
    encodeNd(buf, off, message)
    finishIcmpv6(buf, off, off + size, src, dst)
    return size
  }
  ipv6Layer.write(dst, PROTOCOL_ICMPV6, size, fill, { ttl: 255, src })
}

/** An on-link prefix of which hosts make addresses. */
export function prefixOption(text: string): NdOptions {
  const lifetimes = { validLifetime: 7200, preferredLifetime: 3600 }
  return { prefixes: [{ prefix: ipv6Prefix(text), onLink: true, autonomous: true, ...lifetimes }] }
}

const SERVER_DUID = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 1)

/** A DHCPv6 server that gives everybody one address; what it was asked is in the list, by type. */
export function serveDhcpv6(router: DirectStack, address: Ipv6, dnsServers: readonly Ipv6[]): string[] {
  const asked: string[] = []
  router.layers.ipv6!.join(ipv6('ff02::1:2'))
  const socket = router.udp.bind({ port: 547 })
  socket.onMessage = (buf, off, end, { src }) => {
    const m = decodeV6(buf, off, end)
    if (typeof m === 'string') return
    asked.push(m.type)
    const iaid = getV6Option(m.options, OPTION_V6_IA_NA)?.iaid
    const lifetimes = { preferred: 3600, valid: 7200, status: undefined }
    const ia =
      iaid === undefined
        ? []
        : [v6Option(OPTION_V6_IA_NA, { iaid, t1: 0, t2: 0, addresses: [{ address, ...lifetimes }], status: undefined })]
    const answer: V6Message = {
      type: m.type === 'solicit' ? 'advertise' : 'reply',
      xid: m.xid,
      options: [
        v6Option(OPTION_V6_SERVER_ID, SERVER_DUID),
        v6Option(OPTION_V6_CLIENT_ID, getV6Option(m.options, OPTION_V6_CLIENT_ID)!),
        v6Option(OPTION_V6_DNS_SERVERS, dnsServers),
        ...ia,
      ],
    }
    const bytes = new Uint8Array(1000)
    socket.send(bytes.subarray(0, encodeV6(bytes, 0, bytes.length, answer)), {
      ...src,
      address: { ...(src.address as Ipv6) },
    })
  }
  return asked
}

/** A name server with these addresses. */
export function serveNames(stack: Stack, names: Readonly<Record<string, readonly IpAddress[]>>): void {
  const socket = stack.udp.bind({ port: 53 })
  socket.onMessage = (buf, off, end, { src }) => {
    const query = decode(buf, off, end)
    if (typeof query === 'string') return
    const { name, type } = query.questions[0]!
    const answers = (names[name] ?? [])
      .filter((address) => isIpv4(address) === (type === 'A'))
      .map((address) => ({ name, ttl: 60, type, address }))
    const rcode = name in names ? 0 : 3
    const answer = { ...query, response: true, recursionAvailable: true, rcode, answers } as typeof query
    socket.write(src, 512, (out, at) => encode(out, at, at + 512, answer))
  }
}
