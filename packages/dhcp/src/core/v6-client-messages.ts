import { equalBytes } from '@fata/bytes'
import type { V6Message, V6MessageType } from '../wire/v6-message.ts'
import { getV6Option, type V6Option, v6Option } from '../wire/v6-option-list.ts'
import {
  OPTION_V6_CLIENT_ID,
  OPTION_V6_DNS_SERVERS,
  OPTION_V6_DOMAIN_SEARCH,
  OPTION_V6_ELAPSED_TIME,
  OPTION_V6_IA_NA,
  OPTION_V6_INF_MAX_RT,
  OPTION_V6_RAPID_COMMIT,
  OPTION_V6_REFRESH_TIME,
  OPTION_V6_REQUEST,
  OPTION_V6_SERVER_ID,
  OPTION_V6_SOL_MAX_RT,
} from '../wire/v6-options.ts'
import type { Exchange } from './v6-exchange.ts'
import type { Dhcpv6Address } from './v6-lease.ts'

/** Who the client is and what it wants. */
export interface V6Identity {
  readonly duid: Uint8Array
  readonly iaid: number
  /** Codes of the options to ask for, beside those that the protocol needs. */
  readonly request: readonly number[]
  readonly rapidCommit: boolean
}

/** What differs from message to message. */
export interface V6Fields {
  readonly server?: Uint8Array | undefined
  /** Addresses in the association; undefined for messages without one. */
  readonly addresses?: readonly Pick<Dhcpv6Address, 'address'>[] | undefined
}

/** Options that are asked for unless told otherwise. */
export const DEFAULT_REQUEST: readonly number[] = [OPTION_V6_DNS_SERVERS.code, OPTION_V6_DOMAIN_SEARCH.code]

/** A message of a client, with the options that RFC 8415 §18.2 has for its type. */
export function v6ClientMessage(
  now: number,
  type: V6MessageType,
  { xid, startedAt }: Exchange,
  who: V6Identity,
  { server, addresses }: V6Fields,
): V6Message {
  const options: V6Option[] = [v6Option(OPTION_V6_CLIENT_ID, who.duid)]
  if (server !== undefined) options.push(v6Option(OPTION_V6_SERVER_ID, server))
  const elapsed = Math.min(Math.floor((now - startedAt) / 10), 0xffff)
  options.push(v6Option(OPTION_V6_ELAPSED_TIME, elapsed))
  if (addresses !== undefined) {
    const list = addresses.map(({ address }) => ({ address, preferred: 0, valid: 0, status: undefined }))
    options.push(v6Option(OPTION_V6_IA_NA, { iaid: who.iaid, t1: 0, t2: 0, addresses: list, status: undefined }))
  }
  const inform = type === 'information-request'
  const own = inform ? [OPTION_V6_REFRESH_TIME.code, OPTION_V6_INF_MAX_RT.code] : [OPTION_V6_SOL_MAX_RT.code]
  if (type !== 'release' && type !== 'decline') options.push(v6Option(OPTION_V6_REQUEST, [...who.request, ...own]))
  if (type === 'solicit' && who.rapidCommit) options.push(v6Option(OPTION_V6_RAPID_COMMIT, true))
  return { type, xid, options }
}

/** Whether a server's message is to this client (RFC 8415 §16.3, §16.10). */
export function isForClient({ options }: V6Message, duid: Uint8Array): boolean {
  const id = getV6Option(options, OPTION_V6_CLIENT_ID)
  return id !== undefined && equalBytes(id, duid)
}

/** SOL_MAX_RT or INF_MAX_RT in milliseconds; undefined where there is none, or one that must be ignored (§21.24). */
export function maxRt(m: V6Message, option: typeof OPTION_V6_SOL_MAX_RT): number | undefined {
  const seconds = getV6Option(m.options, option)
  return seconds !== undefined && seconds >= 60 && seconds <= 86_400 ? seconds * 1000 : undefined
}
