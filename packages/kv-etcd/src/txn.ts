import type { Key, KvNet, OwnedOp } from '@fata/kv'
import { absent, type Compare, type RequestOp, type TxnRequest } from './api.ts'
import { encodeRecord, isRoot, type KeySpace, type Range } from './wire.ts'

export interface TxnLimits {
  readonly maxOps: number
  readonly maxBytes: number
}

export interface Put {
  readonly key: Key
  readonly value: Uint8Array
}

/** For the names of fields and lengths in a request; more than protobuf needs. */
const OVERHEAD_BYTES = 64

export function putOp(space: KeySpace, { key, value }: Put, lastModified: number): RequestOp {
  return { request_put: { ...space.one(key), value: encodeRecord({ lastModified, value }) } }
}

/**
 * Conditions under which the keys may be set without looking: no value above any of them, no dictionary in its place. The
 * keys must not lie below each other.
 */
export function settable(space: KeySpace, keys: readonly Key[]): Compare[] {
  const compares: Compare[] = []
  const seen = new Set<string>()
  for (const key of keys) {
    compares.push(absent(space.below(key)))
    for (let above = key.parent; !isRoot(above) && !seen.has(above.toString()); above = above.parent) {
      seen.add(above.toString())
      compares.push(absent(space.one(above)))
    }
  }
  return compares
}

/**
 * Deletes the values of `net.removes`. Of a key that is removed with all that is below it, by ranges between the keys that are
 * set: etcd refuses a transaction that touches a key twice. `gone`: keys of which, by the operations, nothing old may remain.
 */
export function deletions(space: KeySpace, net: KvNet, gone: readonly Key[]): RequestOp[] {
  const covers = outermost(gone)
  const ops: RequestOp[] = []
  const singles: Key[] = []
  const used = new Set<Key>()
  for (const key of net.removes) {
    const cover = covers.find((cover) => key.startsWith(cover))
    if (cover) used.add(cover)
    else singles.push(key)
  }
  for (const cover of used) {
    const kept = net.sets.filter(({ key }) => key.startsWith(cover)).map(({ key }) => key)
    ops.push(...gaps(space, cover, kept).map((range) => ({ request_delete_range: range })))
  }
  return [...ops, ...singles.map((key) => ({ request_delete_range: space.one(key) }))]
}

/** The parts of the key's tree between the keys, which are in order. */
function gaps(space: KeySpace, key: Key, kept: readonly Key[]): Range[] {
  const whole = space.tree(key)
  const ranges: Range[] = []
  let rest = whole
  for (const { key: encoded } of kept.map((key) => space.one(key))) {
    if (rest.key !== encoded) ranges.push({ key: rest.key, range_end: encoded })
    rest = space.behind(encoded, whole)
  }
  return [...ranges, rest]
}

function outermost(keys: readonly Key[]): Key[] {
  return keys.filter((key) => !keys.some((other) => key !== other && key.startsWith(other) && !other.startsWith(key)))
}

/**
 * Keys that the operations remove or move away with all that is below them. Left out where something is moved back to where
 * it was: that is neither set nor removed, and must stay.
 */
export function goneKeys(ops: readonly OwnedOp[], before: ReadonlyMap<Key, readonly Key[]>, net: KvNet): Key[] {
  const changed = new Set([...net.removes, ...net.sets.map(({ key }) => key)].map(String))
  const candidates = ops.flatMap((op) => (op.op === 'remove' ? [op.key] : op.op === 'rename' ? [op.source] : []))
  return candidates.filter((key) => {
    const values = [...before].find(([known]) => known.equals(key))?.[1]
    return values?.every((value) => changed.has(value.toString())) ?? false
  })
}

/** The first of the conditions with which the transaction is small enough; undefined for none. */
export function fit(
  success: readonly RequestOp[],
  conditions: readonly Compare[][],
  { maxOps, maxBytes }: TxnLimits,
): TxnRequest | undefined {
  const compare = conditions.find((compare) => {
    return Math.max(compare.length, success.length) <= maxOps && sizeOf([...success, ...compare]) <= maxBytes
  })
  return compare && { compare, success }
}

function sizeOf(parts: readonly (RequestOp | Compare)[]): number {
  let bytes = OVERHEAD_BYTES
  for (const part of parts) {
    const fields: object = 'target' in part ? part : (Object.values(part)[0] as object)
    for (const value of Object.values(fields)) bytes += String(value).length * 0.75
    bytes += OVERHEAD_BYTES
  }
  return bytes
}
