import { putU16, putU32, u16, u32 } from '@fata/bytes'
import { type IpAddress, isIpv4 } from './ip.ts'

declare const brand: unique symbol

/** An Ethernet address: its 48 bits as a number, so `===` compares and no memory is allocated. */
export type Mac = number & { readonly [brand]: 'Mac' }

const TWO_32 = 0x1_0000_0000

/** ff:ff:ff:ff:ff:ff */
export const MAC_BROADCAST: Mac = 0xffff_ffff_ffff as Mac

/** Six hexadecimal pairs with `:` or `-` between them. Undefined on anything else. */
export function parseMac(text: string): Mac | undefined {
  if (!/^[0-9a-fA-F]{2}([:-])(?:[0-9a-fA-F]{2}\1){4}[0-9a-fA-F]{2}$/.test(text)) return undefined
  return Number.parseInt(text.replace(/[:-]/g, ''), 16) as Mac
}

/** As `parseMac`; throws a TypeError that quotes the text. */
export function mac(text: string): Mac {
  const m = parseMac(text)
  if (m === undefined) throw new TypeError(`not a MAC address: '${text}'`)
  return m
}

/** Lower case, with colons. */
export function formatMac(m: Mac): string {
  return m
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:')
}

/** The 6 bytes at `b[o..o+6)`. */
export function readMac(b: Uint8Array, o: number): Mac {
  return (u16(b, o) * TWO_32 + u32(b, o + 2)) as Mac
}

/** Writes 6 bytes at `b[o..o+6)`. */
export function writeMac(b: Uint8Array, o: number, m: Mac): void {
  putU16(b, o, m / TWO_32)
  putU32(b, o + 2, m)
}

/** The group bit is set: multicast or broadcast (IEEE 802-2014 §8.2). */
export function isMulticastMac(m: Mac): boolean {
  return ((m / TWO_32) & 0x100) !== 0
}

/** A locally administered unicast address from 32 random bits each (IEEE 802-2014 §8.4). */
export function randomMac(high: number, low: number): Mac {
  return ((((high & 0xfcff) | 0x0200) & 0xffff) * TWO_32 + (low >>> 0)) as Mac
}

/** Where a multicast IP address goes on Ethernet: RFC 1112 §6.4, RFC 2464 §7. */
export function multicastMac(a: IpAddress): Mac {
  return (isIpv4(a) ? 0x0100_5e00_0000 + (a & 0x7fffff) : 0x3333_0000_0000 + (a.w3 >>> 0)) as Mac
}
