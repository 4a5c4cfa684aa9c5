import { type Ipv4, type Ipv6, readIpv4, readIpv6, writeIpv4, writeIpv6 } from '@fata/addr'
import { putU16, u16 } from '@fata/bytes'
import type { Reader } from './reader.ts'
import type { SvcParams } from './types.ts'
import type { Writer } from './writer.ts'

const MANDATORY = 0
const ALPN = 1
const NO_DEFAULT_ALPN = 2
const PORT = 3
const IPV4HINT = 4
const ECH = 5
const IPV6HINT = 6

type Mutable = { -readonly [K in keyof SvcParams]: SvcParams[K] }

/** Reads the parameters up to the end of the data (RFC 9460 §2.2): keys ascend, values have the form of §7 and §8. */
export function readParams(r: Reader): SvcParams {
  const params: Mutable = {}
  const keys = new Set<number>()
  let before = -1
  while (r.at < r.end) {
    const key = r.u16()
    const value = r.bytes(r.u16())
    if (r.malformed !== undefined) return params
    if (key <= before || !readParam(params, key, value)) {
      r.fail('bad-rdata')
      return params
    }
    before = key
    keys.add(key)
  }
  const incomplete = params.mandatory?.some((key) => !keys.has(key)) === true
  if (incomplete || (params.noDefaultAlpn === true && params.alpn === undefined)) r.fail('bad-rdata')
  return params
}

/** False where the value is none for the key. */
function readParam(params: Mutable, key: number, v: Uint8Array): boolean {
  switch (key) {
    case MANDATORY:
      params.mandatory = list(v, 2, u16)
      return (
        params.mandatory.length > 0 && params.mandatory.every((k, i, all) => k > (i === 0 ? MANDATORY : all[i - 1]!))
      )
    case ALPN:
      params.alpn = readAlpn(v)
      return params.alpn.length > 0
    case NO_DEFAULT_ALPN:
      params.noDefaultAlpn = true
      return v.length === 0
    case PORT:
      if (v.length !== 2) return false
      params.port = u16(v, 0)
      return true
    case IPV4HINT:
      params.ipv4hint = list<Ipv4>(v, 4, readIpv4)
      return params.ipv4hint.length > 0
    case ECH:
      params.ech = v
      return v.length > 0
    case IPV6HINT:
      params.ipv6hint = list<Ipv6>(v, 16, (b, o) => readIpv6(b, o))
      return params.ipv6hint.length > 0
    default:
      params.others = [...(params.others ?? []), { key, value: v }]
      return true
  }
}

/** Empty where the length is no multiple of `size`. */
function list<T>(v: Uint8Array, size: number, read: (b: Uint8Array, o: number) => T): T[] {
  if (v.length % size !== 0) return []
  return Array.from({ length: v.length / size }, (_, i) => read(v, i * size))
}

/** Protocol ids as Latin-1; empty where they do not fill the value. */
function readAlpn(v: Uint8Array): string[] {
  const ids: string[] = []
  for (let at = 0; at < v.length; at += 1 + v[at]!) {
    const end = at + 1 + v[at]!
    if (v[at] === 0 || end > v.length) return []
    ids.push(String.fromCharCode(...v.subarray(at + 1, end)))
  }
  return ids
}

export function writeParams(w: Writer, params: SvcParams): void {
  const values = new Map<number, Uint8Array>()
  const { mandatory, alpn, noDefaultAlpn, port, ipv4hint, ech, ipv6hint, others = [] } = params
  if (mandatory !== undefined)
    values.set(
      MANDATORY,
      packed(
        [...mandatory].sort((a, b) => a - b),
        2,
        putU16,
      ),
    )
  if (alpn !== undefined) values.set(ALPN, writeAlpn(alpn))
  if (noDefaultAlpn === true) values.set(NO_DEFAULT_ALPN, new Uint8Array(0))
  if (port !== undefined) values.set(PORT, packed([port], 2, putU16))
  if (ipv4hint !== undefined) values.set(IPV4HINT, packed(ipv4hint, 4, writeIpv4))
  if (ech !== undefined) values.set(ECH, ech)
  if (ipv6hint !== undefined) values.set(IPV6HINT, packed(ipv6hint, 16, writeIpv6))
  for (const { key, value } of others) values.set(key, value)
  for (const [key, value] of [...values].sort(([a], [b]) => a - b)) {
    w.u16(key)
    w.sized(() => w.bytes(value))
  }
}

function packed<T>(items: readonly T[], size: number, write: (b: Uint8Array, o: number, item: T) => void): Uint8Array {
  const b = new Uint8Array(items.length * size)
  for (const [i, item] of items.entries()) write(b, i * size, item)
  return b
}

function writeAlpn(ids: readonly string[]): Uint8Array {
  return Uint8Array.from(ids.flatMap((id) => [id.length, ...Array.from(id, (c) => c.charCodeAt(0))]))
}
