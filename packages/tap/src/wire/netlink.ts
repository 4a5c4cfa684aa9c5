import {
  broadcastAddress,
  type IpAddress,
  type Ipv4,
  type Ipv4Prefix,
  isIpv4,
  type Mac,
  type Prefix,
  readIpv6,
  readMac,
  writeIpv6,
} from '@fata/addr'
import { putU32, u32 } from '@fata/bytes'
import { hostU16, hostU32, putHostU16, putHostU32 } from './host-order.ts'

/*
 * Messages of rtnetlink (RFC 3549; linux/netlink.h, linux/rtnetlink.h), as far as an interface and its addresses need them. Host byte
 * order but for addresses.
 *
 *     0        4      6       8          12      16
 *   +--------+------+-------+----------+-------+-------------------+------------
 *   | length | type | flags | sequence | port  | fixed part         | attributes
 *   +--------+------+-------+----------+-------+-------------------+------------
 */
const LENGTH = 0
const TYPE = 4
const FLAGS = 6
const SEQUENCE = 8
const HEADER = 16

const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const RTM_NEWLINK = 16
const RTM_DELLINK = 17
const RTM_GETLINK = 18
const RTM_NEWADDR = 20
const RTM_GETADDR = 22

const NLM_F_REQUEST = 0x1
const NLM_F_ACK = 0x4
const NLM_F_DUMP = 0x300
const NLM_F_EXCL_CREATE = 0x600

/** ifinfomsg: family, type, index, flags, change mask. */
const LINK_PART = 16
const LINK_INDEX = 4
const LINK_FLAGS = 8
const LINK_CHANGE = 12
const IFF_UP = 1
const IFLA_ADDRESS = 1
const IFLA_IFNAME = 3
const IFLA_MTU = 4
const IFLA_LINKINFO = 18
const IFLA_INFO_KIND = 1
const IFLA_INFO_DATA = 2
const IFLA_TUN_PI = 4

/** ifaddrmsg: family, prefix length, flags, scope, index. */
const ADDRESS_PART = 8
const ADDRESS_PREFIX = 1
const ADDRESS_FLAGS = 2
const ADDRESS_INDEX = 4
const IFA_ADDRESS = 1
const IFA_LOCAL = 2
const IFA_BROADCAST = 4
/** Usable at once, without duplicate address detection: nobody else is on a link that was made this moment. */
const IFA_F_NODAD = 2

const AF_INET = 2
const AF_INET6 = 10
const ATTRIBUTE_HEADER = 4
/** The upper bits say how an attribute is encoded. */
const ATTRIBUTE_TYPE = 0x3fff

/** RTNLGRP_LINK as a bit of the mask of multicast groups: every change of an interface. */
export const GROUP_LINK = 1

/** The parts of a request for `encodeRequest`. */
export type NetlinkRequest =
  | { readonly kind: 'get-link'; readonly name: string }
  | { readonly kind: 'set-link'; readonly index: number; readonly up?: boolean; readonly mtu?: number }
  | { readonly kind: 'get-addresses' }
  | { readonly kind: 'add-address'; readonly index: number; readonly address: Prefix }

/**
 * An interface. `type` is `'tun'`, `'macvtap'`, ..., and undefined for a physical one; `packetInfo`: its frames have a struct tun_pi
 * before them.
 */
export interface LinkMessage {
  readonly kind: 'link'
  readonly index: number
  readonly up: boolean
  readonly removed: boolean
  readonly name: string | undefined
  readonly mtu: number | undefined
  readonly mac: Mac | undefined
  readonly type: string | undefined
  readonly packetInfo: boolean
}

export interface AddressMessage {
  readonly kind: 'address'
  readonly index: number
  readonly address: Prefix
}

/** The answer to a request is complete; `errno` is 0 where it succeeded. */
export interface EndMessage {
  readonly kind: 'end'
  readonly errno: number
}

export type NetlinkMessage = LinkMessage | AddressMessage | EndMessage

/** Why bytes are no message. */
export type BadNetlink = 'truncated' | 'bad-length'

/** Writes a request at `b[0..)` and returns its length; 128 bytes suffice. */
export function encodeRequest(b: Uint8Array, sequence: number, request: NetlinkRequest): number {
  b.fill(0, 0, 128)
  putHostU32(b, SEQUENCE, sequence)
  const end = encodeBody(b, request)
  putHostU32(b, LENGTH, end)
  return end
}

function encodeBody(b: Uint8Array, request: NetlinkRequest): number {
  switch (request.kind) {
    case 'get-link':
      putHead(b, RTM_GETLINK, NLM_F_ACK)
      return putName(b, HEADER + LINK_PART, request.name)
    case 'set-link':
      putHead(b, RTM_NEWLINK, NLM_F_ACK)
      putHostU32(b, HEADER + LINK_INDEX, request.index)
      if (request.up === true) {
        putHostU32(b, HEADER + LINK_FLAGS, IFF_UP)
        putHostU32(b, HEADER + LINK_CHANGE, IFF_UP)
      }
      if (request.mtu === undefined) return HEADER + LINK_PART
      putHostU32(b, putAttribute(b, HEADER + LINK_PART, IFLA_MTU, 4), request.mtu)
      return HEADER + LINK_PART + ATTRIBUTE_HEADER + 4
    case 'get-addresses':
      putHead(b, RTM_GETADDR, NLM_F_DUMP)
      return HEADER + ADDRESS_PART
    case 'add-address':
      putHead(b, RTM_NEWADDR, NLM_F_ACK | NLM_F_EXCL_CREATE)
      return putAddress(b, request.index, request.address)
  }
}

function putHead(b: Uint8Array, type: number, flags: number): void {
  putHostU16(b, TYPE, type)
  putHostU16(b, FLAGS, NLM_F_REQUEST | flags)
}

/** Writes the header of an attribute and returns where its value goes. */
function putAttribute(b: Uint8Array, o: number, type: number, length: number): number {
  putHostU16(b, o, ATTRIBUTE_HEADER + length)
  putHostU16(b, o + 2, type)
  return o + ATTRIBUTE_HEADER
}

function putName(b: Uint8Array, o: number, name: string): number {
  const bytes = new TextEncoder().encode(`${name}\0`)
  b.set(bytes, putAttribute(b, o, IFLA_IFNAME, bytes.length))
  return padded(o + ATTRIBUTE_HEADER + bytes.length)
}

function putIp(b: Uint8Array, o: number, type: number, address: IpAddress): number {
  if (isIpv4(address)) {
    putU32(b, putAttribute(b, o, type, 4), address)
    return o + ATTRIBUTE_HEADER + 4
  }
  writeIpv6(b, putAttribute(b, o, type, 16), address)
  return o + ATTRIBUTE_HEADER + 16
}

function putAddress(b: Uint8Array, index: number, prefix: Prefix): number {
  const { address, length } = prefix
  b[HEADER] = isIpv4(address) ? AF_INET : AF_INET6
  b[HEADER + ADDRESS_PREFIX] = length
  b[HEADER + ADDRESS_FLAGS] = isIpv4(address) ? 0 : IFA_F_NODAD
  putHostU32(b, HEADER + ADDRESS_INDEX, index)
  let end = putIp(b, HEADER + ADDRESS_PART, IFA_LOCAL, address)
  const broadcast = isIpv4(address) ? broadcastAddress(prefix as Ipv4Prefix) : undefined
  if (broadcast !== undefined) end = putIp(b, end, IFA_BROADCAST, broadcast)
  return putIp(b, end, IFA_ADDRESS, address)
}

function padded(o: number): number {
  return (o + 3) & ~3
}

/** Length of the message at `b[o..end)`, without padding to the next one. */
export function messageLength(b: Uint8Array, o: number, end: number): number | BadNetlink {
  if (end - o < HEADER) return 'truncated'
  const length = hostU32(b, o + LENGTH)
  if (length < HEADER) return 'bad-length'
  return length > end - o ? 'truncated' : length
}

/** Where the message behind one of `length` bytes at `o` begins. */
export function nextMessage(o: number, length: number): number {
  return o + padded(length)
}

/** Sequence number of the message at `o`: that of the request it answers. */
export function messageSequence(b: Uint8Array, o: number): number {
  return hostU32(b, o + SEQUENCE)
}

/** Reads the message at `b[o..end)`, which `messageLength` has measured. Undefined for kinds that are of no interest here. */
export function decodeMessage(b: Uint8Array, o: number, end: number): NetlinkMessage | BadNetlink | undefined {
  const at = o + HEADER
  switch (hostU16(b, o + TYPE)) {
    case NLMSG_ERROR:
      return end - at < 4 ? 'truncated' : { kind: 'end', errno: -(hostU32(b, at) | 0) }
    case NLMSG_DONE:
      return { kind: 'end', errno: 0 }
    case RTM_NEWLINK:
      return end - at < LINK_PART ? 'truncated' : decodeLink(b, at, end, false)
    case RTM_DELLINK:
      return end - at < LINK_PART ? 'truncated' : decodeLink(b, at, end, true)
    case RTM_NEWADDR:
      return end - at < ADDRESS_PART ? 'truncated' : decodeAddress(b, at, end)
    default:
      return undefined
  }
}

/** Calls `visit` with type, start and end of each attribute's value in `b[o..end)`. */
function eachAttribute(
  b: Uint8Array,
  o: number,
  end: number,
  visit: (type: number, at: number, end: number) => void,
): BadNetlink | undefined {
  for (let at = o; at < end; ) {
    if (end - at < ATTRIBUTE_HEADER) return 'truncated'
    const length = hostU16(b, at)
    if (length < ATTRIBUTE_HEADER) return 'bad-length'
    if (length > end - at) return 'truncated'
    visit(hostU16(b, at + 2) & ATTRIBUTE_TYPE, at + ATTRIBUTE_HEADER, at + length)
    at = padded(at + length)
  }
  return undefined
}

function decodeText(b: Uint8Array, o: number, end: number): string {
  const zero = b.indexOf(0, o)
  return new TextDecoder().decode(b.subarray(o, zero < 0 || zero > end ? end : zero))
}

function decodeLink(b: Uint8Array, o: number, end: number, removed: boolean): LinkMessage | BadNetlink {
  let name: string | undefined
  let mtu: number | undefined
  let mac: Mac | undefined
  let info: LinkInfo | BadNetlink = { type: undefined, packetInfo: false }
  const malformed = eachAttribute(b, o + LINK_PART, end, (attribute, at, to) => {
    if (attribute === IFLA_IFNAME) name = decodeText(b, at, to)
    else if (attribute === IFLA_MTU && to - at >= 4) mtu = hostU32(b, at)
    else if (attribute === IFLA_ADDRESS && to - at === 6) mac = readMac(b, at)
    else if (attribute === IFLA_LINKINFO) info = decodeLinkInfo(b, at, to)
  })
  if (malformed !== undefined) return malformed
  if (typeof info === 'string') return info
  const up = (hostU32(b, o + LINK_FLAGS) & IFF_UP) !== 0
  return { kind: 'link', index: hostU32(b, o + LINK_INDEX), up, removed, name, mtu, mac, ...(info as LinkInfo) }
}

type LinkInfo = Pick<LinkMessage, 'type' | 'packetInfo'>

/** Reads IFLA_LINKINFO: what kind of interface it is, and what that kind says of itself. */
function decodeLinkInfo(b: Uint8Array, o: number, end: number): LinkInfo | BadNetlink {
  let type: string | undefined
  let data: BadNetlink | undefined
  let packetInfo = false
  const malformed = eachAttribute(b, o, end, (attribute, at, to) => {
    if (attribute === IFLA_INFO_KIND) type = decodeText(b, at, to)
    else if (attribute === IFLA_INFO_DATA)
      data = eachAttribute(b, at, to, (detail, from, until) => {
        if (detail === IFLA_TUN_PI && until > from) packetInfo = b[from] === 1
      })
  })
  // Attribute numbers of the data mean something else for other kinds.
  return malformed ?? data ?? { type, packetInfo: packetInfo && type === 'tun' }
}

function decodeAddress(b: Uint8Array, o: number, end: number): AddressMessage | BadNetlink | undefined {
  const family = b[o]!
  const size = family === AF_INET ? 4 : 16
  if (family !== AF_INET && family !== AF_INET6) return undefined
  let local: IpAddress | undefined
  let remote: IpAddress | undefined
  const malformed = eachAttribute(b, o + ADDRESS_PART, end, (type, at, to) => {
    if (to - at !== size) return
    const address = size === 4 ? (u32(b, at) as Ipv4) : readIpv6(b, at)
    if (type === IFA_LOCAL) local = address
    else if (type === IFA_ADDRESS) remote = address
  })
  if (malformed !== undefined) return malformed
  // On point-to-point interfaces the two differ, and IPv6 often has the second only.
  const address = local ?? remote
  if (address === undefined) return undefined
  const length = b[o + ADDRESS_PREFIX]!
  return { kind: 'address', index: hostU32(b, o + ADDRESS_INDEX), address: { address, length } as Prefix }
}
