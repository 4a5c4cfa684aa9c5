import { IPV4_ANY, type Ipv4, prefixContains } from '@fata/addr'
import { hex } from '@fata/bytes'
import type { DhcpMessage } from '../wire/message.ts'
import { getOption } from '../wire/option.ts'
import {
  OPTION_CLIENT_ID,
  OPTION_HOST_NAME,
  OPTION_LEASE_TIME,
  OPTION_REQUESTED_ADDRESS,
  OPTION_SERVER_ID,
} from '../wire/options.ts'
import type { Asker, DhcpBinding } from './bindings.ts'
import { type Reply, type ReplyFields, reply } from './server-messages.ts'
import type { Subnet } from './subnet.ts'

/** What the server is told of its options. Times are milliseconds unless their name says otherwise. */
export interface ServerCoreSettings {
  readonly address: Ipv4
  readonly subnets: readonly Subnet[]
  readonly shortestLeaseSeconds: number
  readonly offerMs: number
  readonly declineMs: number
  readonly authoritative: boolean
}

/** Why a message had no effect. */
export type ServerIgnored =
  | 'unexpected'
  | 'no-subnet'
  | 'no-address'
  | 'table-full'
  | 'other-server'
  | 'unknown-client'
  | 'bad-request'

/** What is to be done with a message. A binding must be kept safe before its answer is sent (RFC 2131 §3.1 step 4). */
export interface ServerOutcome {
  readonly ignored?: ServerIgnored
  readonly binding?: DhcpBinding
  /** Addresses of which nothing is remembered any more. */
  readonly forgotten?: readonly Ipv4[]
  readonly reply?: Reply
}

/**
 * The DHCP server: RFC 2131 §4.3. It has no timers: times are looked at when somebody asks. A message makes one outcome at most.
 *
 * Differs from RFC 2131 in:
 * - A client that asks for no lease time gets the configured one also where it has a lease already (§4.3.1 has what is left of that).
 * - `authoritative` servers answer clients that they do not know, where §4.3.2 has silence.
 */
export class ServerCore {
  readonly #settings: ServerCoreSettings

  constructor(settings: ServerCoreSettings) {
    this.#settings = settings
  }

  /** Every binding that is remembered. */
  *bindings(): Generator<DhcpBinding, void> {
    for (const { bindings } of this.#settings.subnets) yield* bindings.all()
  }

  /** Enters a binding of an earlier run. False where no subnet has the address. */
  restore(now: number, binding: DhcpBinding): boolean {
    return this.#subnetOf(binding.address)?.bindings.put(now, binding) !== undefined
  }

  /** Forgets what is known of an address. */
  forget(address: Ipv4): boolean {
    return this.#subnetOf(address)?.bindings.remove(address) ?? false
  }

  receive(now: number, m: DhcpMessage): ServerOutcome {
    switch (m.type) {
      case 'discover':
        return this.#discover(now, m)
      case 'request':
        return this.#request(now, m)
      case 'decline':
        return this.#decline(now, m)
      case 'release':
        return this.#release(now, m)
      case 'inform':
        return this.#inform(m)
      case 'offer':
      case 'ack':
      case 'nak':
        return { ignored: 'unexpected' }
      default:
        return m.type satisfies never
    }
  }

  /** §4.3.1 */
  #discover(now: number, m: DhcpMessage): ServerOutcome {
    const subnet = this.#subnetOfClient(m)
    if (subnet === undefined) return { ignored: 'no-subnet' }
    // The answer goes to `ciaddr`: nobody may have it sent to where no client is.
    if (m.ciaddr !== IPV4_ANY && !prefixContains(subnet.prefix, m.ciaddr)) return { ignored: 'bad-request' }
    const asker = askerOf(m)
    const { bindings } = subnet
    const address = bindings.choose(now, asker, getOption(m.options, OPTION_REQUESTED_ADDRESS))
    if (address === undefined) return { ignored: 'no-address' }
    const known = bindings.at(address)
    const holds = known?.client === asker.client && known.state === 'bound' && known.expiresAt > now
    const offer = this.#binding(m, address, 'offered', now + this.#settings.offerMs)
    const forgotten = holds ? [] : bindings.put(now, offer)
    if (forgotten === undefined) return { ignored: 'table-full' }
    return { forgotten, reply: this.#grant(m, subnet, 'offer', address) }
  }

  /** §4.3.2, table 4 */
  #request(now: number, m: DhcpMessage): ServerOutcome {
    const server = getOption(m.options, OPTION_SERVER_ID)
    const requested = getOption(m.options, OPTION_REQUESTED_ADDRESS)
    if (server !== undefined) {
      if (requested === undefined || m.ciaddr !== IPV4_ANY) return { ignored: 'bad-request' }
      return this.#selecting(now, m, server, requested)
    }
    if (m.ciaddr !== IPV4_ANY)
      return this.#verify(now, m, m.ciaddr, this.#subnetOf(m.ciaddr) ?? this.#subnetOfClient(m))
    if (requested === undefined) return { ignored: 'bad-request' }
    return this.#verify(now, m, requested, this.#subnetOfClient(m))
  }

  /** The client has chosen among offers. */
  #selecting(now: number, m: DhcpMessage, server: Ipv4, requested: Ipv4): ServerOutcome {
    const subnet = this.#subnetOfClient(m)
    if (subnet === undefined) return { ignored: 'no-subnet' }
    const asker = askerOf(m)
    const { bindings } = subnet
    const own = bindings.of(asker.client)
    if (server !== this.#settings.address) {
      if (own?.state === 'offered') bindings.remove(own.address)
      return { ignored: 'other-server' }
    }
    if (!bindings.canHave(now, asker, requested)) return this.#refuse(m, 'the address is not available')
    return this.#bind(now, m, subnet, requested)
  }

  /** INIT-REBOOT, RENEWING, REBINDING: the client says what it has. */
  #verify(now: number, m: DhcpMessage, address: Ipv4, subnet: Subnet | undefined): ServerOutcome {
    if (subnet === undefined) return { ignored: 'no-subnet' }
    if (!prefixContains(subnet.prefix, address)) return this.#refuse(m, 'wrong network')
    const asker = askerOf(m)
    const { bindings } = subnet
    const own = bindings.of(asker.client)
    const recorded = own !== undefined && own.state !== 'offered'
    if (!recorded && bindings.host(asker) === undefined && !this.#settings.authoritative)
      return { ignored: 'unknown-client' }
    if ((recorded && own.address !== address) || !bindings.canHave(now, asker, address))
      return this.#refuse(m, 'the address is not yours')
    return this.#bind(now, m, subnet, address)
  }

  #bind(now: number, m: DhcpMessage, subnet: Subnet, address: Ipv4): ServerOutcome {
    const binding = this.#binding(m, address, 'bound', now + this.#leaseSeconds(m, subnet) * 1000)
    const forgotten = subnet.bindings.put(now, binding)
    if (forgotten === undefined) return { ignored: 'table-full' }
    return { binding, forgotten, reply: this.#grant(m, subnet, 'ack', address) }
  }

  /** §4.3.3 */
  #decline(now: number, m: DhcpMessage): ServerOutcome {
    const address = getOption(m.options, OPTION_REQUESTED_ADDRESS)
    const own = this.#ownBinding(m, address)
    if (typeof own === 'string') return { ignored: own }
    const { subnet, binding } = own
    const declined: DhcpBinding = { ...binding, state: 'declined', expiresAt: now + this.#settings.declineMs }
    subnet.bindings.put(now, declined)
    return { binding: declined }
  }

  /** §4.3.4: the client gets the address again if it comes back before somebody else needs it. */
  #release(now: number, m: DhcpMessage): ServerOutcome {
    const own = this.#ownBinding(m, m.ciaddr)
    if (typeof own === 'string') return { ignored: own }
    const { subnet, binding } = own
    const released: DhcpBinding = { ...binding, state: 'released', expiresAt: now }
    subnet.bindings.put(now, released)
    return { binding: released }
  }

  /** §4.3.5. The answer goes to `ciaddr`, so only to networks that are served. */
  #inform(m: DhcpMessage): ServerOutcome {
    if (m.ciaddr === IPV4_ANY) return { ignored: 'bad-request' }
    const subnet = this.#subnetOf(m.ciaddr)
    if (subnet === undefined) return { ignored: 'no-subnet' }
    const fields: ReplyFields = { type: 'ack', server: this.#settings.address, hostName: this.#hostName(m, subnet) }
    return { reply: reply(m, fields, subnet.options) }
  }

  #grant(m: DhcpMessage, subnet: Subnet, type: 'offer' | 'ack', yiaddr: Ipv4): Reply {
    const leaseSeconds = this.#leaseSeconds(m, subnet)
    const hostName = this.#hostName(m, subnet)
    return reply(m, { type, server: this.#settings.address, yiaddr, leaseSeconds, hostName }, subnet.options)
  }

  #refuse(m: DhcpMessage, reason: string): ServerOutcome {
    return { reply: reply(m, { type: 'nak', server: this.#settings.address, reason }, new Map()) }
  }

  #hostName(m: DhcpMessage, subnet: Subnet): string | undefined {
    return subnet.bindings.host(askerOf(m))?.hostName ?? getOption(m.options, OPTION_HOST_NAME)
  }

  #leaseSeconds(m: DhcpMessage, subnet: Subnet): number {
    const wanted = getOption(m.options, OPTION_LEASE_TIME) ?? subnet.leaseSeconds
    return Math.max(Math.min(wanted, subnet.longestLeaseSeconds), this.#settings.shortestLeaseSeconds)
  }

  #binding(m: DhcpMessage, address: Ipv4, state: DhcpBinding['state'], expiresAt: number): DhcpBinding {
    return { address, state, ...askerOf(m), hostName: getOption(m.options, OPTION_HOST_NAME), expiresAt }
  }

  /** The binding that a client gives up, where it is its own and of this server. */
  #ownBinding(
    m: DhcpMessage,
    address: Ipv4 | undefined,
  ): { readonly subnet: Subnet; readonly binding: DhcpBinding } | ServerIgnored {
    if (address === undefined || address === IPV4_ANY) return 'bad-request'
    if (getOption(m.options, OPTION_SERVER_ID) !== this.#settings.address) return 'other-server'
    const subnet = this.#subnetOf(address)
    const binding = subnet?.bindings.at(address)
    const own = binding?.client === askerOf(m).client && (binding.state === 'bound' || binding.state === 'offered')
    return subnet !== undefined && binding !== undefined && own ? { subnet, binding } : 'unknown-client'
  }

  /** Where the client is: where its relay agent is, or on the server's own link. */
  #subnetOfClient({ giaddr }: DhcpMessage): Subnet | undefined {
    return this.#subnetOf(giaddr === IPV4_ANY ? this.#settings.address : giaddr)
  }

  #subnetOf(address: Ipv4): Subnet | undefined {
    return this.#settings.subnets.find(({ prefix }) => prefixContains(prefix, address))
  }
}

/** §4.2: the client identifier where there is one, else the hardware address. */
function askerOf(m: DhcpMessage): Asker {
  const id = m.options.get(OPTION_CLIENT_ID.code)
  return {
    client: id === undefined ? `mac:${m.chaddr.toString(16).padStart(12, '0')}` : `id:${hex(id)}`,
    mac: m.chaddr,
  }
}
