import { type Ipv6, readIpv6, writeIpv6 } from '@fata/addr'
import { concatBytes, putU16, putU32, u16, u32 } from '@fata/bytes'
import { fromLatin1, latin1, readNames, writeNames } from './names.ts'
import type { DhcpOption } from './option.ts'
import { readOptionList, writeOptionList } from './v6-option-list.ts'

const IA_ADDRESS = 5
const STATUS = 13
const FOREVER = 0xffffffff

/** Why a server did not do what it was asked, RFC 8415 §21.13; 0 is success. */
export interface Status {
  readonly code: number
  readonly message: string
}

/** An address with its lifetimes in seconds, Infinity for ever. */
export interface IaAddress {
  readonly address: Ipv6
  readonly preferred: number
  readonly valid: number
  readonly status: Status | undefined
}

/** An identity association: the addresses of one interface, RFC 8415 §21.4. T1 and T2 in seconds, 0 where the client may choose. */
export interface IaNa {
  readonly iaid: number
  readonly t1: number
  readonly t2: number
  readonly addresses: readonly IaAddress[]
  readonly status: Status | undefined
}

export function bytes(code: number, least: number, most: number): DhcpOption<Uint8Array> {
  const fits = (b: Uint8Array): boolean => b.length >= least && b.length <= most
  return {
    code,
    decode: (b) => (fits(b) ? b.slice() : undefined),
    encode(b) {
      if (!fits(b)) throw new RangeError(`option ${code} has ${least} to ${most} bytes, got ${b.length}`)
      return b.slice()
    },
  }
}

export function flag(code: number): DhcpOption<true> {
  return { code, decode: (b) => (b.length === 0 ? true : undefined), encode: () => new Uint8Array(0) }
}

export function number8(code: number): DhcpOption<number> {
  return { code, decode: (b) => (b.length === 1 ? b[0]! : undefined), encode: (n) => Uint8Array.of(n) }
}

export function number16(code: number): DhcpOption<number> {
  return { code, decode: (b) => (b.length === 2 ? u16(b, 0) : undefined), encode: (n) => words16([n]) }
}

export function codes16(code: number): DhcpOption<readonly number[]> {
  return {
    code,
    decode: (b) => (b.length % 2 === 0 ? Array.from({ length: b.length / 2 }, (_, i) => u16(b, 2 * i)) : undefined),
    encode: words16,
  }
}

export function seconds32(code: number): DhcpOption<number> {
  return { code, decode: (b) => (b.length === 4 ? time(b, 0) : undefined), encode: (n) => times([n]) }
}

export function addresses6(code: number): DhcpOption<readonly Ipv6[]> {
  return {
    code,
    decode(b) {
      if (b.length === 0 || b.length % 16 !== 0) return undefined
      return Array.from({ length: b.length / 16 }, (_, i) => readIpv6(b, 16 * i))
    },
    encode(list) {
      return concatBytes(list.map(addressBytes))
    },
  }
}

/** Domain names, which must not be compressed (RFC 8415 §10). */
export function searchList(code: number): DhcpOption<readonly string[]> {
  return { code, decode: (b) => readNames(b, false), encode: writeNames }
}

export function status(code: number): DhcpOption<Status> {
  return {
    code,
    decode: (b) => (b.length >= 2 ? { code: u16(b, 0), message: fromLatin1(b, 2).replace(/[^ -~]/g, '?') } : undefined),
    encode: (s) => concatBytes([words16([s.code]), latin1(s.message)]),
  }
}

export function iaAddress(code: number): DhcpOption<IaAddress> {
  return {
    code,
    decode(b) {
      const options = b.length < 24 ? undefined : readOptionList(b, 24, b.length)
      if (options === undefined) return undefined
      const told = options.find((option) => option.code === STATUS)
      const status = told && statusOption.decode(told.value)
      if (told !== undefined && status === undefined) return undefined
      return { address: readIpv6(b, 0), preferred: time(b, 16), valid: time(b, 20), status }
    },
    encode: ({ address, preferred, valid, status }) =>
      concatBytes([addressBytes(address), times([preferred, valid]), statusBytes(status)]),
  }
}

export function iaNa(code: number): DhcpOption<IaNa> {
  return {
    code,
    decode(b) {
      const options = b.length < 12 ? undefined : readOptionList(b, 12, b.length)
      if (options === undefined) return undefined
      const told = options.find((option) => option.code === STATUS)
      const status = told && statusOption.decode(told.value)
      const addresses = options.filter((o) => o.code === IA_ADDRESS).map((o) => addressOption.decode(o.value))
      if ((told !== undefined && status === undefined) || addresses.includes(undefined)) return undefined
      return { iaid: u32(b, 0), t1: time(b, 4), t2: time(b, 8), addresses: addresses as IaAddress[], status }
    },
    encode({ iaid, t1, t2, addresses, status }) {
      const head = new Uint8Array(4)
      putU32(head, 0, iaid)
      const list = addresses.map((a) => ({ code: IA_ADDRESS, value: addressOption.encode(a) }))
      return concatBytes([head, times([t1, t2]), writeOptionList(list), statusBytes(status)])
    },
  }
}

const statusOption = /* @__PURE__ */ status(STATUS)
const addressOption = /* @__PURE__ */ iaAddress(IA_ADDRESS)

function statusBytes(status: Status | undefined): Uint8Array {
  return writeOptionList(status === undefined ? [] : [{ code: STATUS, value: statusOption.encode(status) }])
}

function addressBytes(a: Ipv6): Uint8Array {
  const b = new Uint8Array(16)
  writeIpv6(b, 0, a)
  return b
}

function words16(list: readonly number[]): Uint8Array {
  const b = new Uint8Array(2 * list.length)
  list.forEach((n, i) => {
    putU16(b, 2 * i, n)
  })
  return b
}

/** A time of all ones is for ever (RFC 8415 §7.7). */
function time(b: Uint8Array, o: number): number {
  const n = u32(b, o)
  return n === FOREVER ? Number.POSITIVE_INFINITY : n
}

function times(list: readonly number[]): Uint8Array {
  const b = new Uint8Array(4 * list.length)
  list.forEach((n, i) => {
    putU32(b, 4 * i, n === Number.POSITIVE_INFINITY ? FOREVER : n)
  })
  return b
}
