import { createSocket } from 'node:dgram'
import { networkInterfaces } from 'node:os'
import {
  formatIp,
  type IpAddress,
  type Ipv4Prefix,
  type Ipv6Prefix,
  isIpv4,
  type Prefix,
  parsePrefix,
} from '@fata/addr'
import { StackError } from '../errors.ts'

/** Where sockets listen that name no address: MirageOS's four modes of binding. */
export type Mode =
  /** Every address of both families, by one socket where the host can do that. */
  | { readonly kind: 'any' }
  /** One address, or one of each family. */
  | { readonly kind: 'addresses'; readonly prefixes: readonly Prefix[] }
  /** Every address of one family, and no other family at all. */
  | { readonly kind: 'ipv4-only' }
  | { readonly kind: 'ipv6-only' }

/** What decides the mode. A prefix of length 0 is no address but all of them: MirageOS's default. */
export interface PlaceConfig {
  readonly ipv4: Ipv4Prefix | undefined
  readonly ipv6: Ipv6Prefix | undefined
  readonly ipv4Only: boolean
  readonly ipv6Only: boolean
}

/** The places where a socket stack is at home. */
export class Places {
  readonly mode: Mode
  /** The families that the stack has. */
  readonly families: readonly (4 | 6)[]

  /** Throws StackError `ERR_STACK_CONFIG` for an address that the host has not. */
  constructor({ ipv4, ipv6, ipv4Only, ipv6Only }: PlaceConfig) {
    this.families = ipv4Only ? [4] : ipv6Only ? [6] : [4, 6]
    const prefixes = [ipv4, ipv6].filter((prefix) => prefix !== undefined && prefix.length > 0) as Prefix[]
    for (const { address } of prefixes) requireOwn(address)
    if (prefixes.length > 0) this.mode = { kind: 'addresses', prefixes }
    else this.mode = { kind: ipv4Only ? 'ipv4-only' : ipv6Only ? 'ipv6-only' : 'any' }
  }

  has(address: IpAddress): boolean {
    return this.families.includes(isIpv4(address) ? 4 : 6)
  }

  /** The host's addresses that are in use here. */
  addresses(): Prefix[] {
    if (this.mode.kind === 'addresses') return [...this.mode.prefixes]
    return Object.values(networkInterfaces())
      .flatMap((infos) => infos ?? [])
      .flatMap(({ cidr }) => (cidr === null ? [] : (parsePrefix(cidr) ?? [])))
      .filter(({ address }) => this.has(address))
  }
}

function requireOwn(address: IpAddress): void {
  const probe = createSocket({ type: isIpv4(address) ? 'udp4' : 'udp6', lookup: answerAtOnce })
  probe.once('error', (cause) => {
    throw new StackError('ERR_STACK_CONFIG', `${formatIp(address)} is not an address of this host`, { cause })
  })
  try {
    probe.bind(0, formatIp(address))
  } finally {
    probe.removeAllListeners('error').on('error', () => {})
    try {
      probe.close()
    } catch {
      // It was never open.
    }
  }
}

/** A `lookup` for addresses as text: it makes Node bind and send within the call. */
export function answerAtOnce(
  address: string,
  _options: unknown,
  done: (error: Error | null, address: string, family: number) => void,
): void {
  done(null, address, address.includes(':') ? 6 : 4)
}
