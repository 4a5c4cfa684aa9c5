import type { KvBatch, KvRo, KvSnapshot, KvWatch } from '../store.ts'
import type { Random } from './random.ts'

/** Where one store lives, apart from all others. */
export interface KvPlace {
  /** Opens the store. Asked again, it opens the same place again. */
  connect(): Promise<KvRo>
  /** Leaves nothing behind. Every store that `connect` gave is disconnected by then. */
  dispose?(): Promise<void>
}

export interface KvPlaceRequest {
  /** The clock of the store. */
  readonly now: () => number
  /** What must be in the place, path to value; a store that can write is filled by the suite instead. */
  readonly content: ReadonlyMap<string, Uint8Array>
}

/** What the store can do. What is denied must indeed be refused. */
export interface KvSupports {
  readonly write: boolean
  /** remove and rename; false for append-only stores. */
  readonly remove: boolean
  readonly batch: boolean
  readonly watch: boolean
  readonly snapshot: boolean
  /** Connecting again finds what was written. */
  readonly reopen: boolean
  /** A second writer of the same place is refused with KV_LOCKED. */
  readonly exclusive: boolean
}

export interface KvSuiteOptions {
  /** The runner's, as of vitest, mocha, jest or node:test. */
  readonly describe: (name: string, body: () => void) => unknown
  readonly it: (name: string, body: () => Promise<void>, timeoutMs?: number) => unknown
  readonly create: (request: KvPlaceRequest) => Promise<KvPlace>
  readonly supports: KvSupports
  /** Rules by id (`K5`) that this store does not keep, and why. */
  readonly skip?: ReadonlyArray<{ readonly name: string; readonly reason: string }>
  /** Attempts to connect where no store can be; each must reject with KV_IO. */
  readonly badPlaces?: ReadonlyArray<{ readonly name: string; readonly connect: () => Promise<unknown> }>
  /** How many handles of the platform are open; must not grow with failed attempts. */
  readonly openHandles?: () => number
  /** Of everything random; default 1. */
  readonly seed?: number
  /** Multiplies the rounds of the long rules; default 1. */
  readonly effort?: number
  /** Unread changes after which a slow watcher must have been told `lagged`; default 100 000. */
  readonly lagAfter?: number
}

/** A store with every method there may be; a rule uses those only that it `needs`. */
export type FullStore = KvBatch & KvWatch & KvSnapshot

export interface Trial {
  readonly kv: FullStore
  readonly random: Random
  readonly options: KvSuiteOptions
  /** The store's clock, in milliseconds. */
  readonly clock: { now: number }
  /** One more connection to the same place. */
  connect(): Promise<FullStore>
  /** Disconnects `kv` and connects again. */
  reconnect(): Promise<FullStore>
  /** So many rounds, times the effort, at least one. */
  rounds(n: number): number
}

type Feature = keyof KvSupports | 'badPlaces'

export interface Rule {
  readonly id: string
  readonly title: string
  readonly needs?: readonly Feature[]
  /** Runs only where this is denied. */
  readonly lacks?: Feature
  readonly content?: Readonly<Record<string, string | Uint8Array>>
  readonly timeoutMs?: number
  run(t: Trial): Promise<void>
}

export interface Section {
  readonly title: string
  readonly rules: readonly Rule[]
}
