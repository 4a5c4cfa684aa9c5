import { type Endpoint, formatEndpoint, type IpAddress } from '@fata/addr'
import type { Resolver } from '@fata/dns'
import type { Runtime } from '@fata/runtime'
import type { Settings } from './config.ts'
import { StackError } from './errors.ts'
import type { StackInterface } from './interface.ts'

/** More search domains than this make every wrong name a flood of queries. */
const MAX_SEARCH = 16

const DNS_PORT = 53

/** Keeps a resolver supplied with servers. */
export interface NameServers {
  /** What the network says may have changed. */
  update(): void
}

/** Hands a resolver the configured servers and search list, and where there are none those that the interfaces tell of. */
export function followNetwork(
  resolver: Resolver,
  interfaces: readonly StackInterface[],
  settings: readonly Settings[],
  { log }: Runtime,
): NameServers {
  const fixedServers = merge(settings.map(({ dnsServers }) => dnsServers))
  const fixedSearch = merge(settings.map(({ domainSearch }) => domainSearch))
  let current = ''

  const set = (servers: readonly Endpoint[], search: readonly string[]): void => {
    const shown = `${servers.map(formatEndpoint).join(' ')} / ${search.join(' ')}`
    // What is set again forgets what was answered before.
    if (shown === current) return
    resolver.setServers(servers, search)
    current = shown
  }
  try {
    set(fixedServers ?? [], fixedSearch ?? [])
  } catch (cause) {
    throw new StackError('ERR_STACK_CONFIG', `dnsServers or domainSearch: ${(cause as Error).message}`, { cause })
  }
  return {
    update() {
      const servers = fixedServers ?? interfaces.flatMap(({ dnsServers }) => dnsServers.map(atDnsPort))
      const search = fixedSearch ?? [...new Set(interfaces.flatMap((each) => each.domainSearch))].slice(0, MAX_SEARCH)
      try {
        set(servers, search)
      } catch (error) {
        // The network's nonsense is no reason to lose the servers.
        log.log('warn', 'stack', 'the search list cannot be used', { search, error: (error as Error).message })
        set(servers, fixedSearch ?? [])
      }
    },
  }
}

/** All of them together; undefined where nobody says anything. */
function merge<T>(lists: readonly (readonly T[] | undefined)[]): readonly T[] | undefined {
  const given = lists.filter((list) => list !== undefined)
  return given.length === 0 ? undefined : given.flat()
}

function atDnsPort(address: IpAddress): Endpoint {
  return { address, port: DNS_PORT }
}
