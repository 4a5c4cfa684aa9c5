import type { Range } from './wire.ts'

// The part of etcd's v3 API that the store uses, as its JSON gateway spells it: bytes are base64, 64-bit numbers are text,
// zero and false are left out.

export interface RangeRequest extends Range {
  readonly limit?: number
  readonly revision?: string
  readonly keys_only?: boolean
}

export interface Compare extends Range {
  readonly target: 'VERSION' | 'CREATE' | 'MOD'
  readonly result: 'EQUAL' | 'LESS' | 'GREATER'
  readonly version?: string
  readonly create_revision?: string
  readonly mod_revision?: string
}

export type RequestOp =
  | { readonly request_range: RangeRequest }
  | { readonly request_put: { readonly key: string; readonly value: string } }
  | { readonly request_delete_range: Range }

export interface TxnRequest {
  readonly compare?: readonly Compare[]
  readonly success: readonly RequestOp[]
}

export interface KeyValue {
  readonly key: string
  readonly value?: string
  readonly create_revision: string
  readonly mod_revision: string
}

interface Header {
  readonly revision: string
}

export interface RangeResponse {
  readonly header: Header
  readonly kvs?: readonly KeyValue[]
  readonly more?: boolean
}

export interface TxnResponse {
  readonly header: Header
  readonly succeeded?: boolean
  readonly responses?: ReadonlyArray<{ readonly response_range?: RangeResponse }>
}

/** One line of the answer to a watch. */
export interface WatchResponse {
  readonly header?: Partial<Header>
  readonly created?: boolean
  readonly canceled?: boolean
  readonly cancel_reason?: string
  readonly compact_revision?: string
  /** More of the same revision is to come. */
  readonly fragment?: boolean
  readonly events?: ReadonlyArray<{ readonly type?: 'DELETE'; readonly kv: KeyValue }>
}

/** Nothing is bound in the range. */
export function absent(range: Range): Compare {
  return { ...range, target: 'VERSION', result: 'EQUAL', version: '0' }
}

export function present(range: Range): Compare {
  return { ...range, target: 'VERSION', result: 'GREATER', version: '0' }
}

/** No key of the range was made after the revision. */
export function noneCreatedSince(range: Range, revision: string): Compare {
  return { ...range, target: 'CREATE', result: 'LESS', create_revision: String(BigInt(revision) + 1n) }
}

export function unchanged({ key, mod_revision }: KeyValue): Compare {
  return { key, target: 'MOD', result: 'EQUAL', mod_revision }
}
