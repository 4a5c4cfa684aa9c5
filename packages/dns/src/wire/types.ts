import type { Ipv4, Ipv6 } from '@fata/addr'

/** Type codes of the records that are understood. */
export const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  SVCB: 64,
  HTTPS: 65,
} as const

/** A type by name where it is understood; any other by number. */
export type RecordType = keyof typeof TYPES
export type QueryType = RecordType | number

export const CLASS_IN = 1
export const OPT = 41

const NAMES = new Map<number, RecordType>(Object.entries(TYPES).map(([name, code]) => [code, name as RecordType]))

export function typeCode(type: QueryType): number {
  return typeof type === 'number' ? type : TYPES[type]
}

/** The name of a type that is understood, else the code. */
export function typeOf(code: number): QueryType {
  return NAMES.get(code) ?? code
}

interface Common {
  /** Whose record it is, in text form; see `Question.name`. */
  readonly name: string
  /** Seconds it may be kept, 0..2^31-1. */
  readonly ttl: number
}

export interface ARecord extends Common {
  readonly type: 'A'
  readonly address: Ipv4
}

export interface AaaaRecord extends Common {
  readonly type: 'AAAA'
  readonly address: Ipv6
}

export interface NameRecord<T extends 'NS' | 'CNAME' | 'PTR' = 'NS' | 'CNAME' | 'PTR'> extends Common {
  readonly type: T
  readonly target: string
}

/** RFC 1035 §3.3.13. Times are seconds. */
export interface SoaRecord extends Common {
  readonly type: 'SOA'
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

export interface MxRecord extends Common {
  readonly type: 'MX'
  readonly preference: number
  readonly exchange: string
}

/** Strings of at most 255 bytes, at least one. */
export interface TxtRecord extends Common {
  readonly type: 'TXT'
  readonly strings: readonly Uint8Array[]
}

/** RFC 2782. */
export interface SrvRecord extends Common {
  readonly type: 'SRV'
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

/** RFC 9460. Priority 0 is AliasMode. */
export interface SvcbRecord<T extends 'SVCB' | 'HTTPS' = 'SVCB' | 'HTTPS'> extends Common {
  readonly type: T
  readonly priority: number
  readonly target: string
  readonly params: SvcParams
}

/** The parameters of RFC 9460 §7; others by number. */
export interface SvcParams {
  /** Keys that a client must understand to use the record. */
  readonly mandatory?: readonly number[]
  readonly alpn?: readonly string[]
  readonly noDefaultAlpn?: true
  readonly port?: number
  readonly ipv4hint?: readonly Ipv4[]
  readonly ech?: Uint8Array
  readonly ipv6hint?: readonly Ipv6[]
  readonly others?: readonly { readonly key: number; readonly value: Uint8Array }[]
}

/** A record of a type or class that is not understood. */
export interface OpaqueRecord extends Common {
  readonly type: number
  readonly class: number
  readonly data: Uint8Array
}

export type DnsRecord =
  | ARecord
  | AaaaRecord
  | NameRecord<'NS'>
  | NameRecord<'CNAME'>
  | NameRecord<'PTR'>
  | SoaRecord
  | MxRecord
  | TxtRecord
  | SrvRecord
  | SvcbRecord<'SVCB'>
  | SvcbRecord<'HTTPS'>
  | OpaqueRecord

/** The record of a type. */
export type RecordOf<T extends QueryType> = T extends RecordType
  ? Extract<DnsRecord, { readonly type: T }>
  : OpaqueRecord

export interface Question {
  /**
   * Labels with dots between them, none at the end; the root is ''. Dots and backslashes in labels are escaped by a backslash, bytes that
   * are not printable ASCII are `\DDD` (RFC 1035 §5.1).
   */
  readonly name: string
  readonly type: QueryType
  readonly class: number
}

/** EDNS(0), RFC 6891. The upper bits of the response code are part of `Message.rcode`. */
export interface Edns {
  /** Bytes that the sender takes by UDP. */
  readonly udpPayload: number
  readonly version: number
  readonly dnssecOk: boolean
  readonly options: readonly { readonly code: number; readonly data: Uint8Array }[]
}

export interface Message {
  readonly id: number
  readonly response: boolean
  readonly opcode: number
  readonly authoritative: boolean
  readonly truncated: boolean
  readonly recursionDesired: boolean
  readonly recursionAvailable: boolean
  readonly authenticData: boolean
  readonly checkingDisabled: boolean
  /** 0..15; with EDNS 0..4095. */
  readonly rcode: number
  readonly questions: readonly Question[]
  readonly answers: readonly DnsRecord[]
  readonly authorities: readonly DnsRecord[]
  /** Without the OPT record, which is `edns`. */
  readonly additionals: readonly DnsRecord[]
  readonly edns: Edns | undefined
}

/** Response codes that mean something to a resolver (RFC 1035 §4.1.1, RFC 6891 §9). */
export const RCODES = { noError: 0, formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5, badVers: 16 } as const
