import type { Ipv4 } from '@fata/addr'
import type { IpListeners } from '@fata/ip'
import type { Link, Neighbors } from '@fata/link'
import { countDrop, type FrameMeta, NetError } from '@fata/net'
import type { Driver, Runtime } from '@fata/runtime'
import type { Ipv4Core } from './core/index.ts'
import type { Settings } from './options.ts'
import type { Ipv4Stats, PingOutcome } from './types.ts'
import { MAX_LENGTH } from './wire.ts'

/** What a ping under way remembers. */
export interface Ticket {
  readonly data: Uint8Array
  /** Many may answer, from addresses of their own. */
  readonly group: boolean
  settle(outcome: PingOutcome): void
  fail(reason: unknown): void
}

/** What the parts of one layer share. */
export interface Host extends Runtime {
  readonly link: Link
  readonly neighbors: Neighbors<Ipv4> | undefined
  readonly settings: Settings
  readonly core: Ipv4Core<Ticket>
  readonly driver: Driver<Ipv4Core<Ticket>>
  readonly listeners: IpListeners
  readonly stats: Ipv4Stats
}

/** Largest packet that leaves for `dst`, as far as is known. */
export function linkMtu(host: Host, dst: Ipv4): number {
  return Math.min(host.link.mtu, host.core.pathMtus.limit(dst), MAX_LENGTH)
}

/** The error of everything that is asked of a closed layer. */
export function closedError(): NetError {
  return new NetError('ERR_NET_CLOSED', 'the IPv4 layer is closed')
}

/** Copies offload metadata whose positions move by `shift`. */
export function copyMeta(into: FrameMeta, from: FrameMeta, shift: number): void {
  into.checksum = from.checksum
  into.checksumStart = from.checksumStart + shift
  into.checksumOffset = from.checksumOffset
  into.gso = from.gso
  into.gsoSize = from.gsoSize
}

/** Counts a packet that nobody waits for and that could not be sent (an IpError or NetError). Rethrows every other error. */
export function countUnsent(stats: Ipv4Stats, reason: string, error: unknown): void {
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string' || !/^ERR_(IP|NET)_/.test(code)) throw error
  countDrop(stats.unsent, reason)
}
