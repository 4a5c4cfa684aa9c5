import { putU32, u32 } from '@fata/bytes'

declare const brand: unique symbol

/** An IPv4 address: its 32 bits as an unsigned number, so `===` compares and no memory is allocated. */
export type Ipv4 = number & { readonly [brand]: 'Ipv4' }

/** 0.0.0.0 */
export const IPV4_ANY: Ipv4 = 0 as Ipv4
/** 255.255.255.255, limited broadcast (RFC 919 §7). */
export const IPV4_BROADCAST: Ipv4 = 0xffffffff as Ipv4
/** 224.0.0.1 (RFC 1112 §4). */
export const IPV4_ALL_SYSTEMS: Ipv4 = 0xe0000001 as Ipv4

/**
 * Four decimal parts of 0..255 and nothing else: no leading zeros (octal to some readers), no hexadecimal, no short forms, since
 * those are how filters are bypassed. Undefined on anything else.
 */
export function parseIpv4(text: string): Ipv4 | undefined {
  let value = 0
  let i = 0
  for (let part = 0; part < 4; part++) {
    if (part > 0 && text.charCodeAt(i++) !== 46) return undefined
    const start = i
    let n = 0
    for (; i < text.length && i - start < 3; i++) {
      const digit = text.charCodeAt(i) - 48
      if (digit < 0 || digit > 9) break
      n = n * 10 + digit
    }
    if (i === start || n > 255 || (i - start > 1 && text.charCodeAt(start) === 48)) return undefined
    value = value * 256 + n
  }
  return i === text.length ? (value as Ipv4) : undefined
}

/** As `parseIpv4`; throws a TypeError that quotes the text. */
export function ipv4(text: string): Ipv4 {
  const a = parseIpv4(text)
  if (a === undefined) throw new TypeError(`not an IPv4 address: '${text}'`)
  return a
}

/** The 4 bytes at `b[o..o+4)`. */
export function readIpv4(b: Uint8Array, o: number): Ipv4 {
  return u32(b, o) as Ipv4
}

/** Writes 4 bytes at `b[o..o+4)`. */
export function writeIpv4(b: Uint8Array, o: number, a: Ipv4): void {
  putU32(b, o, a)
}

/** Dotted decimal. */
export function formatIpv4(a: Ipv4): string {
  return `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`
}

/** 224.0.0.0/4 (RFC 1112 §4). */
export function isIpv4Multicast(a: Ipv4): boolean {
  return a >>> 28 === 14
}

/** 127.0.0.0/8 (RFC 1122 §3.2.1.3). */
export function isIpv4Loopback(a: Ipv4): boolean {
  return a >>> 24 === 127
}

/** 169.254.0.0/16 (RFC 3927 §2.1). */
export function isIpv4LinkLocal(a: Ipv4): boolean {
  return a >>> 16 === 0xa9fe
}

/** 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 (RFC 1918 §3). */
export function isIpv4Private(a: Ipv4): boolean {
  return a >>> 24 === 10 || a >>> 20 === 0xac1 || a >>> 16 === 0xc0a8
}

/** 240.0.0.0/4 without the limited broadcast (RFC 1112 §4). */
export function isIpv4Reserved(a: Ipv4): boolean {
  return a >>> 28 === 15 && a !== 0xffffffff
}
