import { type Ipv4, isMulticastMac, type Mac, readIpv4, readMac, writeIpv4, writeMac } from '@fata/addr'
import { putU16, putU32, u16, u32, zeroBytes } from '@fata/bytes'
import { fromLatin1, latin1 } from './names.ts'
import type { DhcpOption } from './option.ts'
import { type MalformedArea, type OptionMap, readArea, writeArea } from './option-area.ts'
import {
  OPTION_CLIENT_ID,
  OPTION_LEASE_TIME,
  OPTION_REBINDING_TIME,
  OPTION_RENEWAL_TIME,
  OPTION_REQUESTED_ADDRESS,
  OPTION_SERVER_ID,
} from './options.ts'

/**
 * DHCP message, RFC 2131 §2.
 *
 *     0           1           2           3           4
 *     +-----------+-----------+-----------+-----------+
 *     |    op     |   htype   |   hlen    |   hops    |
 *     +-----------+-----------+-----------+-----------+
 *     |                      xid                      |
 *     +-----------------------+-----------------------+
 *     |         secs          |B        flags         |
 *     +-----------------------+-----------------------+
 *     |           ciaddr, yiaddr, siaddr, giaddr      |  4 bytes each
 *     +-----------------------------------------------+
 *     |      chaddr 16, sname 64, file 128 bytes      |
 *     +-----------------------------------------------+
 *     |     magic cookie 99.130.83.99, options ...    |
 */
const OP = 0
const HTYPE = 1
const HLEN = 2
const HOPS = 3
const XID = 4
const SECS = 8
const FLAGS = 10
const CIADDR = 12
const YIADDR = 16
const SIADDR = 20
const GIADDR = 24
const CHADDR = 28
const SNAME = 44
const FILE = 108
const COOKIE = 236
const OPTIONS = 240

const BROADCAST_FLAG = 0x8000
const ETHERNET = 1
const ETHERNET_LEN = 6
const MAGIC_COOKIE = 0x63825363
const MESSAGE_TYPE = 53

/** BOOTP had messages of this length (RFC 951 §3), and some relays and servers want no shorter ones. */
export const SHORTEST_MESSAGE = 300

/** What a message is, by the values 1 to 8 of option 53 (RFC 2132 §9.6). */
export type DhcpMessageType = 'discover' | 'offer' | 'request' | 'decline' | 'ack' | 'nak' | 'release' | 'inform'

const TYPES: readonly DhcpMessageType[] = ['discover', 'offer', 'request', 'decline', 'ack', 'nak', 'release', 'inform']

/** Why bytes are no DHCP message. */
export type Malformed =
  | 'too-short'
  | 'bad-op'
  | 'not-ethernet'
  | 'bad-hardware-address'
  | 'no-cookie'
  | 'no-message-type'
  | 'unknown-message-type'
  | 'wrong-direction'
  | 'bad-option'
  | MalformedArea

/** A validated message. Addresses that are not given are 0.0.0.0. */
export interface DhcpMessage {
  readonly type: DhcpMessageType
  /** Relay agents on the way. */
  readonly hops: number
  readonly xid: number
  /** Seconds since the client began. */
  readonly secs: number
  /** The client wants answers as broadcasts. */
  readonly broadcast: boolean
  /** The client's address, where it has one and answers ARP for it. */
  readonly ciaddr: Ipv4
  /** The address that the server gives. */
  readonly yiaddr: Ipv4
  /** Next server of the boot process. */
  readonly siaddr: Ipv4
  /** Relay agent. */
  readonly giaddr: Ipv4
  readonly chaddr: Mac
  /** `''` where the field is unused, or used for options. One character per byte; not to be trusted. */
  readonly serverName: string
  readonly bootFile: string
  /** All options in their order, but for the message type and the overload option, which are not in here. */
  readonly options: ReadonlyMap<number, Uint8Array>
}

/** Whether servers send this, in messages with `op` BOOTREPLY. */
function isReply(type: DhcpMessageType): boolean {
  return type === 'offer' || type === 'ack' || type === 'nak'
}

/** Options that decide what is done with a message: one that has them wrong is refused. */
const ESSENTIAL: readonly DhcpOption<unknown>[] = [
  OPTION_REQUESTED_ADDRESS,
  OPTION_LEASE_TIME,
  OPTION_SERVER_ID,
  OPTION_RENEWAL_TIME,
  OPTION_REBINDING_TIME,
  OPTION_CLIENT_ID,
]

/** Reads the message at `b[o..end)`; what follows its end option is not looked at. Never throws. The record keeps nothing of `b`. */
export function decode(b: Uint8Array, o: number, end: number): DhcpMessage | Malformed {
  if (end - o < OPTIONS) return 'too-short'
  const op = b[o + OP]!
  if (op !== 1 && op !== 2) return 'bad-op'
  if (b[o + HTYPE] !== ETHERNET || b[o + HLEN] !== ETHERNET_LEN) return 'not-ethernet'
  const chaddr = readMac(b, o + CHADDR)
  if (chaddr === 0 || isMulticastMac(chaddr)) return 'bad-hardware-address'
  if (u32(b, o + COOKIE) !== MAGIC_COOKIE) return 'no-cookie'
  const file = { start: o + FILE, end: o + COOKIE }
  const sname = { start: o + SNAME, end: o + FILE }
  const area = readArea(b, { start: o + OPTIONS, end }, file, sname)
  if (typeof area === 'string') return area
  const { options, overload } = area
  const type = takeType(options)
  if (type === 'no-message-type' || type === 'unknown-message-type') return type
  if (isReply(type) !== (op === 2)) return 'wrong-direction'
  for (const { code, decode } of ESSENTIAL) {
    const value = options.get(code)
    if (value !== undefined && decode(value) === undefined) return 'bad-option'
  }
  return {
    type,
    hops: b[o + HOPS]!,
    xid: u32(b, o + XID),
    secs: u16(b, o + SECS),
    broadcast: (u16(b, o + FLAGS) & BROADCAST_FLAG) !== 0,
    ciaddr: readIpv4(b, o + CIADDR),
    yiaddr: readIpv4(b, o + YIADDR),
    siaddr: readIpv4(b, o + SIADDR),
    giaddr: readIpv4(b, o + GIADDR),
    chaddr,
    serverName: (overload & 2) !== 0 ? '' : field(b, sname.start, sname.end),
    bootFile: (overload & 1) !== 0 ? '' : field(b, file.start, file.end),
    options,
  }
}

function takeType(options: OptionMap): DhcpMessageType | 'no-message-type' | 'unknown-message-type' {
  const value = options.get(MESSAGE_TYPE)
  options.delete(MESSAGE_TYPE)
  if (value === undefined) return 'no-message-type'
  return (value.length === 1 && TYPES[value[0]! - 1]) || 'unknown-message-type'
}

/** Text up to the first NUL, which may be missing. */
function field(b: Uint8Array, start: number, end: number): string {
  const nul = b.indexOf(0, start)
  return fromLatin1(b, start, nul < 0 || nul > end ? end : nul)
}

/**
 * Writes the message to `b[o..end)` and returns its length, 300 bytes at least, which must be there. Options that do not fit go into the fields
 * of `serverName` and `bootFile` where those are `''`. Undefined, and bytes of no meaning, where they do not fit at all. Throws a RangeError where
 * a name is longer than its field.
 */
export function encode(b: Uint8Array, o: number, end: number, m: DhcpMessage): number | undefined {
  if (end - o < SHORTEST_MESSAGE) throw new RangeError(`a message needs ${SHORTEST_MESSAGE} bytes, got ${end - o}`)
  b[o + OP] = isReply(m.type) ? 2 : 1
  b[o + HTYPE] = ETHERNET
  b[o + HLEN] = ETHERNET_LEN
  b[o + HOPS] = m.hops
  putU32(b, o + XID, m.xid)
  putU16(b, o + SECS, m.secs)
  putU16(b, o + FLAGS, m.broadcast ? BROADCAST_FLAG : 0)
  writeIpv4(b, o + CIADDR, m.ciaddr)
  writeIpv4(b, o + YIADDR, m.yiaddr)
  writeIpv4(b, o + SIADDR, m.siaddr)
  writeIpv4(b, o + GIADDR, m.giaddr)
  writeMac(b, o + CHADDR, m.chaddr)
  zeroBytes(b, o + CHADDR + ETHERNET_LEN, o + SNAME)
  putField(b, o + SNAME, o + FILE, m.serverName)
  putField(b, o + FILE, o + COOKIE, m.bootFile)
  putU32(b, o + COOKIE, MAGIC_COOKIE)
  const options: OptionMap = new Map([[MESSAGE_TYPE, Uint8Array.of(TYPES.indexOf(m.type) + 1)], ...m.options])
  const last = writeArea(
    b,
    options,
    { start: o + OPTIONS, end },
    m.bootFile === '' ? { start: o + FILE, end: o + COOKIE } : undefined,
    m.serverName === '' ? { start: o + SNAME, end: o + FILE } : undefined,
  )
  if (last === undefined) return undefined
  const length = Math.max(last - o, SHORTEST_MESSAGE)
  zeroBytes(b, last, o + length)
  return length
}

function putField(b: Uint8Array, start: number, end: number, text: string): void {
  if (text.length > end - start) throw new RangeError(`'${text}' is longer than ${end - start} bytes`)
  b.set(latin1(text), start)
  zeroBytes(b, start + text.length, end)
}
