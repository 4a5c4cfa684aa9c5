import { type Ipv6, isIpv6Any, isIpv6LinkLocal, readIpv6, writeIpv6 } from '@fata/addr'
import { putU16, u16 } from '@fata/bytes'
import {
  encodeIcmpv6,
  ICMPV6_MLD_DONE_V1,
  ICMPV6_MLD_QUERY,
  ICMPV6_MLD_REPORT_V1,
  ICMPV6_MLD_REPORT_V2,
} from './icmpv6.ts'

const V1_LEN = 24
const V2_QUERY_LEN = 28
const RECORD_LEN = 20

/** Bytes of a report in front of its records, and of a record without sources. */
export const MLD_REPORT_LEN = 8
export const MLD_RECORD_LEN: number = RECORD_LEN

/** RFC 3810 §5.1; `version` 1 is RFC 2710's. */
export interface MldQuery {
  readonly version: 1 | 2
  /** `::` in a general query. */
  readonly group: Ipv6
  /** How long an answer may take, in milliseconds. */
  readonly maxResponseDelay: number
  /** Querier's Robustness Variable; 0: not said. */
  readonly robustness: number
  /** Querier's Query Interval in seconds; 0: not said. */
  readonly queryInterval: number
  /** Empty unless sources of the group are asked for. */
  readonly sources: readonly Ipv6[]
}

/** Record types of RFC 3810 §5.2.12. */
export type MldRecordType = 'is-include' | 'is-exclude' | 'to-include' | 'to-exclude' | 'allow' | 'block'

/** A multicast address record, RFC 3810 §5.2. */
export interface MldRecord {
  readonly type: MldRecordType
  readonly group: Ipv6
  readonly sources: readonly Ipv6[]
}

/** Why bytes are no query, RFC 3810 §5.1.14, §6.2, §8.1. */
export type MalformedMldQuery = 'mld-bad-length' | 'mld-bad-source' | 'mld-bad-hop-limit' | 'mld-no-router-alert'

const TYPES: readonly MldRecordType[] = ['is-include', 'is-exclude', 'to-include', 'to-exclude', 'allow', 'block']

/** The numbers with exponent of RFC 3810 §5.1.3 and §5.1.9: `mantissaBits` and 3 bits of exponent, above a linear range. */
function fromCode(code: number, mantissaBits: number): number {
  const linear = 1 << (mantissaBits + 3)
  if (code < linear) return code
  const exponent = (code >>> mantissaBits) & 7
  return ((code & ((1 << mantissaBits) - 1)) | (1 << mantissaBits)) * 2 ** (exponent + 3)
}

/** Reads the query at `b[o..end)`, whose ICMPv6 header has been decoded. Never throws. */
export function decodeMldQuery(
  b: Uint8Array,
  o: number,
  end: number,
  context: { readonly src: Ipv6; readonly hopLimit: number; readonly routerAlert: boolean },
): MldQuery | MalformedMldQuery {
  const length = end - o
  if (length < V1_LEN || (length > V1_LEN && length < V2_QUERY_LEN)) return 'mld-bad-length'
  if (!isIpv6LinkLocal(context.src)) return 'mld-bad-source'
  if (context.hopLimit !== 1) return 'mld-bad-hop-limit'
  if (!context.routerAlert) return 'mld-no-router-alert'
  const code = u16(b, o + 4)
  const group = readIpv6(b, o + 8)
  if (length === V1_LEN) {
    return { version: 1, group, maxResponseDelay: code, robustness: 0, queryInterval: 0, sources: [] }
  }
  const count = u16(b, o + 26)
  if (V2_QUERY_LEN + 16 * count > length || (count > 0 && isIpv6Any(group))) return 'mld-bad-length'
  return {
    version: 2,
    group,
    maxResponseDelay: fromCode(code, 12),
    robustness: b[o + 24]! & 7,
    queryInterval: fromCode(b[o + 25]!, 4),
    sources: readAddresses(b, o + V2_QUERY_LEN, count),
  }
}

function readAddresses(b: Uint8Array, o: number, count: number): Ipv6[] {
  const addresses: Ipv6[] = []
  for (let i = 0; i < count; i++) addresses.push(readIpv6(b, o + 16 * i))
  return addresses
}

/** Writes a query at `b[o..)`, checksum 0, and returns where it ends. Delays and intervals must be in the linear range of their codes. */
export function encodeMldQuery(b: Uint8Array, o: number, q: MldQuery): number {
  encodeIcmpv6(b, o, { type: ICMPV6_MLD_QUERY, code: 0, rest: q.maxResponseDelay << 16 })
  writeIpv6(b, o + 8, q.group)
  if (q.version === 1) return o + V1_LEN
  b[o + 24] = q.robustness
  b[o + 25] = q.queryInterval
  putU16(b, o + 26, q.sources.length)
  for (const [i, source] of q.sources.entries()) writeIpv6(b, o + V2_QUERY_LEN + 16 * i, source)
  return o + V2_QUERY_LEN + 16 * q.sources.length
}

/** Reads the version 2 report at `b[o..end)`, whose ICMPv6 header has been decoded; records of unknown types are left out. Never throws. */
export function decodeMldReport(b: Uint8Array, o: number, end: number): MldRecord[] | 'mld-bad-length' {
  const records: MldRecord[] = []
  let at = o + MLD_REPORT_LEN
  for (let left = u16(b, o + 6); left > 0; left--) {
    if (end - at < RECORD_LEN) return 'mld-bad-length'
    const count = u16(b, at + 2)
    const length = RECORD_LEN + 16 * count + 4 * b[at + 1]!
    if (length > end - at) return 'mld-bad-length'
    const type = TYPES[b[at]! - 1]
    if (type !== undefined) {
      records.push({ type, group: readIpv6(b, at + 4), sources: readAddresses(b, at + RECORD_LEN, count) })
    }
    at += length
  }
  return records
}

/** Writes a version 2 report at `b[o..)`, checksum 0, and returns where it ends. */
export function encodeMldReport(b: Uint8Array, o: number, records: readonly MldRecord[]): number {
  encodeIcmpv6(b, o, { type: ICMPV6_MLD_REPORT_V2, code: 0, rest: records.length })
  let at = o + MLD_REPORT_LEN
  for (const { type, group, sources } of records) {
    b[at] = TYPES.indexOf(type) + 1
    b[at + 1] = 0
    putU16(b, at + 2, sources.length)
    writeIpv6(b, at + 4, group)
    for (const [i, source] of sources.entries()) writeIpv6(b, at + RECORD_LEN + 16 * i, source)
    at += RECORD_LEN + 16 * sources.length
  }
  return at
}

/** Writes RFC 2710's report or done about `group` at `b[o..)`, checksum 0, and returns where it ends. */
export function encodeMldV1(b: Uint8Array, o: number, kind: 'report' | 'done', group: Ipv6): number {
  encodeIcmpv6(b, o, { type: kind === 'report' ? ICMPV6_MLD_REPORT_V1 : ICMPV6_MLD_DONE_V1, code: 0, rest: 0 })
  writeIpv6(b, o + 8, group)
  return o + V1_LEN
}
