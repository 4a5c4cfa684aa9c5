import type { KvBatch } from '@fata/kv'

/** What is measured, of a store and of what it stands on: values of one size under the names 0 to `KEYS` - 1 of one dictionary. */
export interface Subject {
  get(name: string): Promise<unknown>
  set(name: string, value: Uint8Array): Promise<unknown>
  /** All at once, as far as it can. */
  batch(entries: ReadonlyArray<readonly [name: string, value: Uint8Array]>): Promise<unknown>
  /** How many names there are. */
  list(): Promise<number>
  close(): Promise<unknown>
}

/** A store beside the library beneath it. `place` is an empty directory of its own. */
export interface Row {
  readonly store: string
  readonly open: (place: string) => Promise<Subject>
  readonly bare: string
  readonly openBare: (place: string) => Promise<Subject>
  /** What is wanted of the store, by name: whether it is reached. */
  readonly targets: ReadonlyArray<(store: Rates, bare: Rates) => Target>
}

export interface Target {
  readonly what: string
  readonly reached: boolean
}

export const OPERATIONS = ['get', 'set', 'batch', 'list'] as const
export type Operation = (typeof OPERATIONS)[number]
/** Operations per second; a batch counts as one. */
export type Rates = Readonly<Record<Operation, number>>

export const KEYS = 1000
export const VALUE_BYTES = 1024
export const BATCH = 100

/** Any store as a subject. */
export function subjectOf(kv: KvBatch): Subject {
  return {
    get: (name) => kv.get(`/d/${name}`),
    set: (name, value) => kv.set(`/d/${name}`, value),
    batch: (entries) => kv.batch(entries.map(([name, value]) => ({ op: 'set', key: `/d/${name}`, value }))),
    list: async () => (await kv.list('/d')).length,
    close: () => kv.disconnect(),
  }
}
