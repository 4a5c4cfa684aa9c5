import type { Key, KeyLike } from './key.ts'

/**
 * The contract of a store.
 *
 * - Values hang at the leaves. A dictionary exists exactly while a value lies below it; the root always exists.
 * - What returns a promise rejects and never throws. Operations that cannot succeed reject with KvError, misuse with
 *   TypeError, an abort with the signal's reason. The error's `key` is the key that the operation named.
 * - A value handed in is copied before the call returns; a value handed out belongs to the caller.
 * - Writes take effect in the order of the calls, awaited or not. A read sees at least every write that has resolved.
 * - What has resolved is durable to the level of `capabilities.durability`. What has rejected did not happen, except
 *   with KV_OUTCOME_UNKNOWN.
 * - An abort before the commit point rejects and nothing happened; after it the write goes on and resolves.
 */
export type KvKind = 'value' | 'dictionary'

export interface KvOptions {
  readonly signal?: AbortSignal | undefined
}

export interface KvListOptions extends KvOptions {
  /** Only names that come after this one in UTF-8 byte order. */
  readonly after?: string | undefined
  /** At most so many. */
  readonly limit?: number | undefined
}

/** Reading. Every method: KV_CLOSED after `disconnect`, KV_KEY_INVALID, KV_IO. */
export interface KvRo extends AsyncDisposable {
  readonly capabilities: KvCapabilities
  /** What is bound to the key; undefined for nothing, also below a value. */
  exists(key: KeyLike, options?: KvOptions): Promise<KvKind | undefined>
  /** undefined when nothing is bound there. KV_VALUE_EXPECTED on a dictionary. */
  get(key: KeyLike, options?: KvOptions): Promise<Uint8Array | undefined>
  /** The bytes `[offset, offset + length)` as far as there are any. KV_RANGE unless both are integers >= 0. */
  getPartial(key: KeyLike, offset: number, length: number, options?: KvOptions): Promise<Uint8Array | undefined>
  /** One level, in UTF-8 byte order, absolute keys. KV_NOT_FOUND, KV_DICTIONARY_EXPECTED. */
  list(key: KeyLike, options?: KvListOptions): Promise<Array<[Key, KvKind]>>
  /** Bytes. KV_NOT_FOUND, KV_VALUE_EXPECTED. */
  size(key: KeyLike, options?: KvOptions): Promise<number>
  /** Milliseconds since 1970. Never decreases for a key through one store instance. KV_NOT_FOUND, KV_VALUE_EXPECTED. */
  lastModified(key: KeyLike, options?: KvOptions): Promise<number>
  /** By `capabilities.digest`; equal bytes have equal digests. KV_NOT_FOUND, KV_VALUE_EXPECTED. */
  digest(key: KeyLike, options?: KvOptions): Promise<Uint8Array>
  /** Idempotent, never rejects, waits for the writes under way. */
  disconnect(): Promise<void>
}

/** Writing. Every method: KV_NO_SPACE, KV_TOO_LARGE, KV_OUTCOME_UNKNOWN, KV_NOT_SUPPORTED (append-only stores). */
export interface KvRw extends KvRo {
  /** Creates the dictionaries above. KV_VALUE_EXPECTED over a dictionary, KV_DICTIONARY_EXPECTED below a value. */
  set(key: KeyLike, value: Uint8Array, options?: KvOptions): Promise<void>
  /** Keeps the rest of the value; offset = size appends, 0 creates. KV_RANGE past the end. */
  setPartial(key: KeyLike, offset: number, value: Uint8Array, options?: KvOptions): Promise<void>
  /** A value, or a dictionary with all below it; the root is emptied. Nothing bound there: resolves. */
  remove(key: KeyLike, options?: KvOptions): Promise<void>
  /**
   * A value replaces a value. Onto a dictionary: moved inside it, where it replaces only a value by a value, else
   * KV_ALREADY_PRESENT. A dictionary onto a value: KV_VALUE_EXPECTED. Into itself: KV_RENAME_SOURCE_PREFIX.
   * Absent source: KV_NOT_FOUND. Destination below a value: KV_DICTIONARY_EXPECTED. Onto itself: nothing to do.
   */
  rename(source: KeyLike, dest: KeyLike, options?: KvOptions): Promise<void>
  /** A value of `size` zero bytes. KV_ALREADY_PRESENT, KV_RANGE. */
  allocate(key: KeyLike, size: number, options?: KvAllocateOptions): Promise<void>
}

export interface KvAllocateOptions extends KvOptions {
  /** Milliseconds since 1970; default the store's clock. */
  readonly lastModified?: number | undefined
}

export type KvOp =
  | { readonly op: 'set'; readonly key: KeyLike; readonly value: Uint8Array }
  | { readonly op: 'remove'; readonly key: KeyLike }
  | { readonly op: 'rename'; readonly source: KeyLike; readonly dest: KeyLike }

/** The digest of the value that must be bound to the key, or null: nothing may be bound there. */
export interface KvCheck {
  readonly key: KeyLike
  readonly digest: Uint8Array | null
}

export interface KvBatchOptions extends KvOptions {
  /** Must all hold just before the first operation, else KV_CHECK_FAILED and nothing happens. */
  readonly checks?: readonly KvCheck[] | undefined
  /** For stores that keep a history. */
  readonly message?: string | undefined
}

export interface KvBatch extends KvRw {
  /**
   * Applies the operations in order. All or nothing, to readers of this store and across a crash at any instant. Each
   * operation rejects as its method does. A store that cannot promise this has no such method.
   */
  batch(ops: readonly KvOp[], options?: KvBatchOptions): Promise<void>
}

export type KvChange =
  | { readonly type: 'batch'; readonly changes: ReadonlyArray<{ readonly op: 'set' | 'remove'; readonly key: Key }> }
  | { readonly type: 'lagged' }

/** Extension: what changed, as it changes. */
export interface KvWatch {
  /**
   * Values at and below `prefix` that change after this call: one event per batch, with the net effect. `lagged`: events
   * were lost, read again. Ends when the signal aborts or the store is disconnected; after that its first step rejects
   * with KV_CLOSED. Throws KvError KV_KEY_INVALID.
   */
  watch(prefix: KeyLike, options: { readonly signal: AbortSignal }): AsyncIterable<KvChange>
}

/** Extension: the state of one instant, untouched by later writes. */
export interface KvSnapshot {
  /** Disconnecting the snapshot leaves the store open. */
  snapshot(): Promise<KvRo>
}

export interface KvCapabilities {
  /** What a resolved write survives. */
  readonly durability: 'none' | 'process-crash' | 'power-loss' | 'replicated'
  readonly digest: 'sha256' | 'git-sha1'
  readonly maxValueBytes: number
  /** Operations in one batch; also values that one rename or removal of a dictionary may touch, where that counts. */
  readonly maxBatchOps: number
  /** Bytes of values in one batch. */
  readonly maxBatchBytes: number
  readonly lastModifiedResolutionMs: number
  /** remove and rename are refused with KV_NOT_SUPPORTED, also in a batch. */
  readonly appendOnly: boolean
  /** `folding`: two keys that differ in case or Unicode normalisation only cannot both exist; the second is KV_KEY_INVALID. */
  readonly keyNames: 'exact' | 'folding'
}
