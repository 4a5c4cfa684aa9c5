import type { Ipv4 } from '@fata/addr'
import { checksum, foldSum, putU16, putU32, sumBytes, u16, u32 } from '@fata/bytes'

/**
 * IGMP messages as a group member sees them: RFC 3376 §4, RFC 2236 §2, RFC 1112 appendix I.
 *
 *     0               1               2               3
 *     +---------------+---------------+-------------------------------+
 *     |     type      | max resp code |           checksum            |
 *     +---------------+---------------+-------------------------------+
 *     |                             group                             |
 *     +-------+-+-----+---------------+-------------------------------+
 *     | resv  |S| QRV |     QQIC      |       number of sources       |   version 3 queries only
 *     +-------+-+-----+---------------+-------------------------------+
 *     |                           sources ...
 */
const MAX_RESP_CODE = 1
const CHECKSUM = 2
const GROUP = 4
const QRV = 8
const QQIC = 9
const SOURCE_COUNT = 10
const QUERY_V3_LEN = 12

/** Bytes of every message but the reports and queries of version 3. */
export const IGMP_LEN = 8

export const IGMP_QUERY = 0x11
export const IGMP_REPORT_V1 = 0x12
export const IGMP_REPORT_V2 = 0x16
export const IGMP_LEAVE = 0x17
export const IGMP_REPORT_V3 = 0x22

/** Why bytes are no IGMP message. */
export type IgmpMalformed = 'igmp-truncated' | 'igmp-bad-checksum' | 'igmp-bad-length'

/** A query, or a report or leave of versions 1 and 2. Of other types only `type` is set. */
export interface IgmpMessage {
  type: number
  /** Version of a query, RFC 3376 §7.1. */
  version: 1 | 2 | 3
  /** Of a query: the time within which to answer. */
  maxResponseMs: number
  /** 0 in a general query. */
  group: Ipv4
  /** Of a version 3 query; 0 where the querier does not say. */
  robustness: number
  /** Of a version 3 query; 0 where the querier does not say. */
  queryIntervalMs: number
  /** Sources of a version 3 query: `sourceCount` addresses from `sources` on. */
  sources: number
  sourceCount: number
}

/** A record for reuse. */
export function createIgmpMessage(): IgmpMessage {
  return {
    type: 0,
    version: 3,
    maxResponseMs: 0,
    group: 0 as Ipv4,
    robustness: 0,
    queryIntervalMs: 0,
    sources: 0,
    sourceCount: 0,
  }
}

/** Reads the message at `b[o..end)` into `into` and returns it. Never throws. */
export function decodeIgmp(
  b: Uint8Array,
  o: number,
  end: number,
  into: IgmpMessage = createIgmpMessage(),
): IgmpMessage | IgmpMalformed {
  const length = end - o
  if (length < IGMP_LEN) return 'igmp-truncated'
  if (foldSum(sumBytes(b, o, end)) !== 0xffff) return 'igmp-bad-checksum'
  into.type = b[o]!
  into.group = u32(b, o + GROUP) as Ipv4
  into.robustness = 0
  into.queryIntervalMs = 0
  into.sources = 0
  into.sourceCount = 0
  if (into.type !== IGMP_QUERY) return into
  const code = b[o + MAX_RESP_CODE]!
  if (length === IGMP_LEN) {
    into.version = code === 0 ? 1 : 2
    into.maxResponseMs = (code === 0 ? 100 : code) * 100
    return into
  }
  if (length < QUERY_V3_LEN) return 'igmp-bad-length'
  into.version = 3
  into.maxResponseMs = fromCode(code) * 100
  into.robustness = b[o + QRV]! & 7
  into.queryIntervalMs = fromCode(b[o + QQIC]!) * 1000
  into.sources = o + QUERY_V3_LEN
  into.sourceCount = u16(b, o + SOURCE_COUNT)
  return into.sources + into.sourceCount * 4 <= end ? into : 'igmp-bad-length'
}

/** The exponential codes of RFC 3376 §4.1.1 and §4.1.7. */
function fromCode(code: number): number {
  return code < 128 ? code : ((code & 15) | 16) << (((code >>> 4) & 7) + 3)
}

/** Writes a report or leave of version 1 or 2 at `b[o..o+8)`. */
export function encodeIgmp(b: Uint8Array, o: number, type: number, group: Ipv4): void {
  b[o] = type
  b[o + MAX_RESP_CODE] = 0
  putU16(b, o + CHECKSUM, 0)
  putU32(b, o + GROUP, group)
  putU16(b, o + CHECKSUM, checksum(b, o, o + IGMP_LEN))
}

/** Record types of RFC 3376 §4.2.12, by its names. */
export type IgmpRecordType = 'IS_IN' | 'IS_EX' | 'TO_IN' | 'TO_EX' | 'ALLOW' | 'BLOCK'

const RECORD_TYPES: readonly IgmpRecordType[] = ['IS_IN', 'IS_EX', 'TO_IN', 'TO_EX', 'ALLOW', 'BLOCK']

/** What a version 3 report says of one group. */
export interface IgmpRecord {
  readonly type: IgmpRecordType
  readonly group: Ipv4
  readonly sources: readonly Ipv4[]
}

/** Bytes of a record in a report. */
export function igmpRecordLength(record: IgmpRecord): number {
  return 8 + 4 * record.sources.length
}

/** Writes a version 3 report at `b[o..)` and returns its end. */
export function encodeIgmpReport(b: Uint8Array, o: number, records: readonly IgmpRecord[]): number {
  putU32(b, o, IGMP_REPORT_V3 << 24)
  putU32(b, o + GROUP, records.length)
  let at = o + IGMP_LEN
  for (const record of records) {
    b[at] = RECORD_TYPES.indexOf(record.type) + 1
    b[at + 1] = 0
    putU16(b, at + 2, record.sources.length)
    putU32(b, at + 4, record.group)
    at += 8
    for (const source of record.sources) {
      putU32(b, at, source)
      at += 4
    }
  }
  putU16(b, o + CHECKSUM, checksum(b, o, at))
  return at
}
