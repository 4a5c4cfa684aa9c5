import { copyBytes, putU16, u32 } from '@fata/bytes'
import type { DhcpOption } from './option.ts'
import type { V6Option } from './v6-option-list.ts'
import { readOptionList, writeOptionList } from './v6-option-list.ts'
import {
  OPTION_V6_CLIENT_ID,
  OPTION_V6_IA_NA,
  OPTION_V6_PREFERENCE,
  OPTION_V6_RAPID_COMMIT,
  OPTION_V6_SERVER_ID,
  OPTION_V6_STATUS,
} from './v6-options.ts'

/**
 * DHCPv6 message between client and server, RFC 8415 §8.
 *
 *     0           1           2           3           4
 *     +-----------+-----------------------------------+
 *     | msg-type  |          transaction-id           |
 *     +-----------+-----------------------------------+
 *     |   options: code 2, length 2, value ...        |
 *     +-----------------------------------------------+
 */
const OPTIONS = 4

/** What a message is, by the values 1 to 11 (RFC 8415 §7.3). */
export type V6MessageType =
  | 'solicit'
  | 'advertise'
  | 'request'
  | 'confirm'
  | 'renew'
  | 'rebind'
  | 'reply'
  | 'release'
  | 'decline'
  | 'reconfigure'
  | 'information-request'

const TYPES: readonly V6MessageType[] = [
  'solicit',
  'advertise',
  'request',
  'confirm',
  'renew',
  'rebind',
  'reply',
  'release',
  'decline',
  'reconfigure',
  'information-request',
]

/** RELAY-FORW and RELAY-REPL, which have another format. */
const RELAYED = [12, 13]

/** Why bytes are no DHCPv6 message between client and server. */
export type V6Malformed =
  | 'too-short'
  | 'relayed'
  | 'unknown-message-type'
  | 'truncated-option'
  | 'repeated-option'
  | 'bad-option'

/** A validated message. */
export interface V6Message {
  readonly type: V6MessageType
  /** 24 bits. */
  readonly xid: number
  /** All options in their order; some may come several times. */
  readonly options: readonly V6Option[]
}

/** Options that decide what is done with a message: one that has them wrong is refused. Those of the second list come once at most. */
const ESSENTIAL: readonly DhcpOption<unknown>[] = [
  OPTION_V6_CLIENT_ID,
  OPTION_V6_SERVER_ID,
  OPTION_V6_IA_NA,
  OPTION_V6_PREFERENCE,
  OPTION_V6_STATUS,
  OPTION_V6_RAPID_COMMIT,
]
const ONCE: readonly number[] = [OPTION_V6_CLIENT_ID, OPTION_V6_SERVER_ID, OPTION_V6_STATUS].map(({ code }) => code)

/** Reads the message at `b[o..end)`. Never throws. The record keeps nothing of `b`. */
export function decodeV6(b: Uint8Array, o: number, end: number): V6Message | V6Malformed {
  if (end - o < OPTIONS) return 'too-short'
  if (RELAYED.includes(b[o]!)) return 'relayed'
  const type = TYPES[b[o]! - 1]
  if (type === undefined) return 'unknown-message-type'
  const options = readOptionList(b, o + OPTIONS, end)
  if (options === undefined) return 'truncated-option'
  for (const code of ONCE) if (options.filter((option) => option.code === code).length > 1) return 'repeated-option'
  for (const { code, decode } of ESSENTIAL)
    for (const option of options) if (option.code === code && decode(option.value) === undefined) return 'bad-option'
  return { type, xid: u32(b, o) & 0xffffff, options }
}

/** Writes the message to `b[o..end)` and returns its length; undefined, and bytes of no meaning, where it does not fit. */
export function encodeV6(b: Uint8Array, o: number, end: number, { type, xid, options }: V6Message): number | undefined {
  const list = writeOptionList(options)
  if (end - o < OPTIONS + list.length) return undefined
  b[o] = TYPES.indexOf(type) + 1
  b[o + 1] = xid >>> 16
  putU16(b, o + 2, xid)
  return OPTIONS + copyBytes(b, o + OPTIONS, list)
}
