import { type Ipv4, type Ipv4Prefix, networkAddress, prefixOf, readIpv4, writeIpv4 } from '@fata/addr'
import { putU16, putU32, u16, u32 } from '@fata/bytes'
import { fromLatin1, isName, latin1, readNames, writeNames } from './names.ts'
import type { DhcpOption } from './option.ts'

/** A time of all ones never comes (RFC 2131 §3.3). */
const FOREVER = 0xffffffff

/** One address. */
export function address(code: number): DhcpOption<Ipv4> {
  return {
    code,
    decode: (b) => (b.length === 4 ? readIpv4(b, 0) : undefined),
    encode: (a) => addressBytes([a]),
  }
}

/** One address or more. */
export function addresses(code: number): DhcpOption<readonly Ipv4[]> {
  return {
    code,
    decode(b) {
      if (b.length === 0 || b.length % 4 !== 0) return undefined
      return Array.from({ length: b.length / 4 }, (_, i) => readIpv4(b, 4 * i))
    },
    encode: addressBytes,
  }
}

function addressBytes(list: readonly Ipv4[]): Uint8Array {
  const b = new Uint8Array(4 * list.length)
  list.forEach((a, i) => {
    writeIpv4(b, 4 * i, a)
  })
  return b
}

/** A number of 16 bits, `least` or more. */
export function integer16(code: number, least: number): DhcpOption<number> {
  return {
    code,
    decode: (b) => (b.length === 2 && u16(b, 0) >= least ? u16(b, 0) : undefined),
    encode(n) {
      requireInteger(code, n, least, 0xffff)
      const b = new Uint8Array(2)
      putU16(b, 0, n)
      return b
    },
  }
}

/** Seconds, Infinity included. */
export function seconds(code: number): DhcpOption<number> {
  return {
    code,
    decode(b) {
      if (b.length !== 4) return undefined
      return u32(b, 0) === FOREVER ? Number.POSITIVE_INFINITY : u32(b, 0)
    },
    encode(n) {
      if (n !== Number.POSITIVE_INFINITY) requireInteger(code, n, 0, FOREVER - 1)
      const b = new Uint8Array(4)
      putU32(b, 0, n === Number.POSITIVE_INFINITY ? FOREVER : n)
      return b
    },
  }
}

/** Text for people, printable ASCII; anything else reads as `?`. NULs at the end are not part of it (RFC 2132 §2). */
export function text(code: number): DhcpOption<string> {
  return {
    code,
    decode(b) {
      const s = withoutNuls(b)
      return s === '' ? undefined : s.replace(/[^ -~]/g, '?')
    },
    encode: (s) => asciiBytes(code, s),
  }
}

/** A host or domain name: letters, digits, hyphens, underscores and dots. */
export function name(code: number): DhcpOption<string> {
  return {
    code,
    decode(b) {
      const s = withoutNuls(b)
      return isName(s) ? s : undefined
    },
    encode(s) {
      if (!isName(s)) throw new TypeError(`not a name: '${s}'`)
      return latin1(s)
    },
  }
}

/** Domain names, RFC 3397. Written without compression. */
export function names(code: number): DhcpOption<readonly string[]> {
  return { code, decode: (b) => readNames(b, true), encode: writeNames }
}

/** Bytes, at least `least` and at most 255. */
export function opaque(code: number, least: number): DhcpOption<Uint8Array> {
  const fits = (b: Uint8Array): boolean => b.length >= least && b.length <= 255
  return {
    code,
    decode: (b) => (fits(b) ? b.slice() : undefined),
    encode(b) {
      if (!fits(b)) throw new RangeError(`option ${code} has ${least} to 255 bytes, got ${b.length}`)
      return b.slice()
    },
  }
}

/** Option codes. */
export function codes(code: number): DhcpOption<readonly number[]> {
  return {
    code,
    decode: (b) => (b.length > 0 ? Array.from(b) : undefined),
    encode: (list) => Uint8Array.from(list),
  }
}

/** A way to a network. */
export interface DhcpRoute {
  readonly prefix: Ipv4Prefix
  /** Undefined where the network is on the link itself (RFC 3442, Local Subnet Routes). */
  readonly gateway: Ipv4 | undefined
}

/** Destinations with as many bytes as their prefix needs, and routers: RFC 3442. */
export function routes(code: number): DhcpOption<readonly DhcpRoute[]> {
  return { code, decode: readRoutes, encode: writeRoutes }
}

function readRoutes(b: Uint8Array): readonly DhcpRoute[] | undefined {
  const list: DhcpRoute[] = []
  for (let at = 0; at < b.length; ) {
    const length = b[at]!
    const size = (length + 7) >>> 3
    if (length > 32 || at + 1 + size + 4 > b.length) return undefined
    let network = 0
    for (let i = 0; i < size; i++) network |= b[at + 1 + i]! << (24 - 8 * i)
    const gateway = readIpv4(b, at + 1 + size)
    const prefix = prefixOf((network >>> 0) as Ipv4, length)
    list.push({ prefix: prefixOf(networkAddress(prefix), length), gateway: gateway === 0 ? undefined : gateway })
    at += 1 + size + 4
  }
  return list.length === 0 ? undefined : list
}

function writeRoutes(list: readonly DhcpRoute[]): Uint8Array {
  const bytes: number[] = []
  for (const { prefix, gateway } of list) {
    const network = networkAddress(prefix)
    bytes.push(prefix.length)
    for (let i = 0; i < (prefix.length + 7) >>> 3; i++) bytes.push((network >>> (24 - 8 * i)) & 255)
    bytes.push(...addressBytes([gateway ?? (0 as Ipv4)]))
  }
  return Uint8Array.from(bytes)
}

function withoutNuls(b: Uint8Array): string {
  return fromLatin1(b).replace(/\0+$/, '')
}

function asciiBytes(code: number, s: string): Uint8Array {
  if (!/^[ -~]+$/.test(s)) throw new TypeError(`option ${code} is printable ASCII, got '${s}'`)
  return latin1(s)
}

function requireInteger(code: number, n: number, least: number, most: number): void {
  if (!(Number.isInteger(n) && n >= least && n <= most))
    throw new RangeError(`option ${code} is an integer in ${least}..${most}, got ${n}`)
}
