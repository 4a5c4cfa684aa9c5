import { type Mac, readMac, writeMac } from '@fata/addr'
import { checksum, putU16, putU32, u16, u32 } from '@fata/bytes'
import type { Fill, Net } from '../net.ts'

/** What test frames carry behind their header, so that they are told from the traffic of others. */
const MAGIC = 0xfa7a_c0de
const ETHERTYPE_LOCAL_EXPERIMENT = 0x88b5
const ETHERTYPE_IPV4 = 0x0800
const IPV4_HEADER = 20
const PROTOCOL_EXPERIMENT = 253
const STRANGER = 0x02fa_7a00_0001 as Mac
const EVERYBODY = 0xffff_ffff_ffff as Mac

/** Bytes in front of the IP packet. */
export function linkHeader(net: Net): number {
  return net.medium === 'ethernet' ? 14 : 0
}

/** The shortest test frame of the device's medium. */
export function shortest(net: Net): number {
  return (net.medium === 'ethernet' ? 14 : IPV4_HEADER) + 8
}

/** The longest frame of the device. */
export function longest(net: Net): number {
  return net.mtu + linkHeader(net)
}

/** A test frame of `length` bytes from the device to everybody. All bytes depend on `id`. */
export function outgoing(net: Net, id: number, length: number): Uint8Array {
  return frame(net, id, length, net.mac ?? STRANGER, EVERYBODY)
}

/** A test frame of `length` bytes from somebody to the device. */
export function incoming(net: Net, id: number, length: number): Uint8Array {
  return frame(net, id, length, STRANGER, net.mac ?? EVERYBODY)
}

/** A fill that writes `bytes`. */
export function fillWith(bytes: Uint8Array): Fill {
  return (buf, off) => {
    buf.set(bytes, off)
    return bytes.length
  }
}

/** Writes the Ethernet header of a frame to everybody, where the medium has one; returns its length. */
export function putLinkHeader(net: Net, b: Uint8Array, etherType: number): number {
  if (net.medium === 'ip') return 0
  writeMac(b, 0, EVERYBODY)
  writeMac(b, 6, net.mac ?? STRANGER)
  putU16(b, 12, etherType)
  return 14
}

function frame(net: Net, id: number, length: number, src: Mac, dst: Mac): Uint8Array {
  const b = new Uint8Array(length)
  for (let i = 0; i < length; i++) b[i] = (id * 31 + i * 7 + (i >>> 8)) & 0xff
  let at = 14
  if (net.medium === 'ethernet') {
    writeMac(b, 0, dst)
    writeMac(b, 6, src)
    putU16(b, 12, ETHERTYPE_LOCAL_EXPERIMENT)
  } else {
    at = putIpv4(b, 0, length, PROTOCOL_EXPERIMENT)
  }
  putU32(b, at, MAGIC)
  putU32(b, at + 4, id)
  return b
}

/** Writes an IPv4 header (RFC 791 §3.1) between addresses for documentation; returns where its payload begins. */
export function putIpv4(b: Uint8Array, at: number, end: number, protocol: number): number {
  b.fill(0, at, at + IPV4_HEADER)
  b[at] = 0x45
  putU16(b, at + 2, end - at)
  putU16(b, at + 4, 0xfff0)
  b[at + 8] = 64
  b[at + 9] = protocol
  putU32(b, at + 12, 0xc000_0201)
  putU32(b, at + 16, 0xc000_0202)
  putU16(b, at + 10, checksum(b, at, at + IPV4_HEADER))
  return at + IPV4_HEADER
}

/** Whether `b` is a frame of these tests and not of the platform's. */
export function isTestFrame(net: Net, b: Uint8Array): boolean {
  if (net.medium === 'ethernet') {
    if (b.length < 22) return false
    const type = u16(b, 12)
    if (type === ETHERTYPE_LOCAL_EXPERIMENT) return u32(b, 14) === MAGIC
    return readMac(b, 0) === EVERYBODY && isTestTcp(b, 14, type === ETHERTYPE_IPV4 ? 4 : 6)
  }
  if (b.length < IPV4_HEADER + 8) return false
  if (b[0] === 0x45 && b[9] === PROTOCOL_EXPERIMENT) return u32(b, IPV4_HEADER) === MAGIC
  return isTestTcp(b, 0, b[0]! >>> 4)
}

/** Source and destination port of TCP test frames. */
export const TCP_PORTS = 0xfa7a_0009

function isTestTcp(b: Uint8Array, ip: number, version: number): boolean {
  const tcp = ip + (version === 4 ? IPV4_HEADER : 40)
  return b.length >= tcp + 20 && b[version === 4 ? ip + 9 : ip + 6] === 6 && u32(b, tcp) === TCP_PORTS
}
