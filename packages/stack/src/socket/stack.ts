import { getServers } from 'node:dns'
import { lookup as hostLookup } from 'node:dns/promises'
import {
  type Endpoint,
  type IpAddress,
  type Ipv4Prefix,
  type Ipv6Prefix,
  ip,
  ipv4Prefix,
  ipv6Prefix,
  parseEndpoint,
  parseIp,
} from '@fata/addr'
import { createResolver } from '@fata/dns'
import { type Runtime, systemRuntime } from '@fata/runtime'
import { nameServer, read, refuse, type StackConfig } from '../config.ts'
import { connectByName, sourcesOf } from '../connect.ts'
import type { Stack } from '../interface.ts'
import { Places } from './places.ts'
import { SocketTcp } from './tcp.ts'
import { SocketUdp } from './udp.ts'

/** How a stack over the host's sockets is configured: which of the host's addresses it uses. Addresses are values of `@fata/addr` or their text. */
export interface SocketStackConfig extends Pick<StackConfig, 'ipv4Only' | 'ipv6Only' | 'dnsServers' | 'domainSearch'> {
  /** Listen on this address, `'127.0.0.1/24'`, and nowhere else but on `ipv6`. Default: on every one; a prefix of length 0 means the same. */
  readonly ipv4?: Ipv4Prefix | string | undefined
  /** Listen on this address, and nowhere else but on `ipv4`. Default: on every one. */
  readonly ipv6?: Ipv6Prefix | string | undefined
}

/**
 * The host's sockets as a stack, with the interface of those over devices. Flows and sockets behave as there, and errors have the same codes; what
 * Node does not offer throws StackError `ERR_STACK_UNSUPPORTED`.
 *
 * Throws StackError `ERR_STACK_CONFIG` where the configuration makes no sense here.
 */
export function createSocketStack(config: SocketStackConfig = {}, runtime: Runtime = systemRuntime()): Stack {
  const { ipv4Only = false, ipv6Only = false } = config
  if (ipv4Only && ipv6Only) refuse('ipv4Only and ipv6Only exclude each other')
  if (ipv4Only && config.ipv6 !== undefined) refuse('ipv4Only leaves no use for an ipv6 address')
  if (ipv6Only && config.ipv4 !== undefined) refuse('ipv6Only leaves no use for an ipv4 address')
  const places = new Places({
    ipv4: read('ipv4', config.ipv4, ipv4Prefix),
    ipv6: read('ipv6', config.ipv6, ipv6Prefix),
    ipv4Only,
    ipv6Only,
  })
  const tcp = new SocketTcp(places, runtime)
  const udp = new SocketUdp(places)
  const servers = config.dnsServers?.map(nameServer)
  const resolver = createResolver(
    { udp, tcp, ...runtime },
    { servers: servers ?? serversOfHost(), search: config.domainSearch ?? [] },
  )
  const lookup =
    servers === undefined
      ? (name: string, { family }: { readonly family: 4 | 6 }): Promise<IpAddress[]> => addressesByHost(name, family)
      : resolver.lookup.bind(resolver)
  const naming = { tcp, lookup, families: places.families, sources: () => sourcesOf(places.addresses()), runtime }

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await tcp.close()
      await resolver.close()
      await udp.close()
    })()
    return closing
  }
  return {
    tcp,
    udp,
    resolver,
    ready: Promise.resolve(),
    addresses: () => places.addresses(),
    connect: (host, port, options) => connectByName(naming, host, port, options),
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The name servers that the host asks, as far as they are addresses. */
function serversOfHost(): (Endpoint | IpAddress)[] {
  return getServers().flatMap((text) => parseIp(text) ?? parseEndpoint(text) ?? [])
}

/** As the host's other programs resolve names: its hosts file, its DNS, whatever it is configured to ask. */
async function addressesByHost(name: string, family: 4 | 6): Promise<IpAddress[]> {
  const found = await hostLookup(name, { family, all: true })
  return found.map(({ address }) => ip(address))
}
