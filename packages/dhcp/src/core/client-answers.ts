import type { DhcpMessage } from '../wire/message.ts'
import { getOption } from '../wire/option.ts'
import { OPTION_SERVER_ID } from '../wire/options.ts'
import type { ClientState } from './client-state.ts'
import { type DhcpLease, type LeaseRefusal, readLease } from './lease.ts'

/** Waits for the DHCPACK or DHCPNAK to a DHCPREQUEST. */
export type Asking = ClientState & { readonly kind: 'requesting' | 'rebooting' | 'renewing' | 'rebinding' }

export function isAsking(s: ClientState): s is Asking {
  return s.kind === 'requesting' || s.kind === 'rebooting' || s.kind === 'renewing' || s.kind === 'rebinding'
}

/** Why a DHCPACK or DHCPNAK is no answer to what was asked. */
export type AnswerRefusal = LeaseRefusal | 'wrong-server' | 'wrong-address'

/** The lease of a DHCPACK, counted from when it was asked for (RFC 2131 §4.4.5). */
export function readAck(s: Asking, m: DhcpMessage, shortestLeaseS: number): DhcpLease | AnswerRefusal {
  const lease = readLease(m, s.sentAt, shortestLeaseS)
  if (typeof lease === 'string') return lease
  const asked = s.kind === 'requesting' ? s.offer : s.kind === 'rebooting' ? s.known : s.lease
  if (lease.address !== asked.address) return 'wrong-address'
  return s.kind === 'requesting' && lease.server !== s.offer.server ? 'wrong-server' : lease
}

/** What keeps a DHCPNAK from being heeded. */
export function whyNoNak(s: Asking, { options }: DhcpMessage): AnswerRefusal | undefined {
  const server = getOption(options, OPTION_SERVER_ID)
  if (server === undefined) return 'no-server-id'
  return s.kind === 'requesting' && server !== s.offer.server ? 'wrong-server' : undefined
}
