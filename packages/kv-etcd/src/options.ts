import { type Clock, systemClock } from '@fata/runtime'

export interface EtcdAuth {
  readonly user: string
  readonly password: string
}

/** What the store needs of a body: as of the platform's `ReadableStream`. */
export interface EtcdBody {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(reason?: unknown): Promise<void>
  }
}

/** What the store needs of an answer: as of the platform's `Response`. */
export interface EtcdResponse {
  readonly status: number
  readonly body: EtcdBody | null
  text(): Promise<string>
}

/** The platform's `fetch`, or one that knows certificates: `(url, init) => undici.fetch(url, { ...init, dispatcher })`. */
export type EtcdFetch = (
  url: string,
  init: {
    readonly method: 'POST'
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
    readonly signal: AbortSignal
  },
) => Promise<EtcdResponse>

export interface EtcdOptions {
  /** In front of every key; stores with different ones do not see each other. No prefix may lie in `<another>/v/`. Default `fata`. */
  readonly prefix?: string | undefined
  /** Default the platform's. */
  readonly fetch?: EtcdFetch | undefined
  readonly auth?: EtcdAuth | undefined
  /** Milliseconds since 1970, for lastModified; default the clock's wall time. */
  readonly now?: (() => number) | undefined
  /** For time-outs and pauses; default the system's clock. */
  readonly clock?: Clock | undefined
  /** How long one endpoint may take to answer one request. Default 5000. */
  readonly timeoutMs?: number | undefined
  /** How often a request is sent, to one endpoint after the other, while that is safe. Default 8. */
  readonly attempts?: number | undefined
  /** The pause after every endpoint has failed once; doubled each time, up to 64 times. Default 20. */
  readonly retryMs?: number | undefined
  /** Operations in one transaction: etcd's `--max-txn-ops`. Default 128. */
  readonly maxBatchOps?: number | undefined
  /** Bytes of one transaction: etcd's `--max-request-bytes`. At least 128 KiB, default 1.5 MiB. */
  readonly maxRequestBytes?: number | undefined
  /** Writes that wait for their turn; one more rejects with KV_TOO_LARGE. Default 65 536. */
  readonly maxQueuedWrites?: number | undefined
  /** Changes that a watcher may leave unread before they are dropped in favour of `lagged`. Default 65 536. */
  readonly maxQueuedChanges?: number | undefined
  /** How long a watch may hear nothing before it asks again, of the next endpoint. Default 30 000. */
  readonly watchIdleMs?: number | undefined
}

type Limit =
  | 'timeoutMs'
  | 'attempts'
  | 'retryMs'
  | 'maxBatchOps'
  | 'maxRequestBytes'
  | 'maxQueuedWrites'
  | 'maxQueuedChanges'
  | 'watchIdleMs'

export const defaults: Readonly<Record<Limit, number>> = Object.freeze({
  timeoutMs: 5000,
  attempts: 8,
  retryMs: 20,
  maxBatchOps: 128,
  maxRequestBytes: 1536 * 1024,
  maxQueuedWrites: 65_536,
  maxQueuedChanges: 65_536,
  watchIdleMs: 30_000,
})

export interface ResolvedOptions extends Readonly<Record<Limit, number>> {
  readonly prefix: string
  readonly fetch: EtcdFetch
  readonly auth: EtcdAuth | undefined
  readonly now: () => number
  readonly clock: Clock
}

const MAX_PREFIX_LENGTH = 256
const MIN_REQUEST_BYTES = 128 * 1024

/** Throws RangeError, TypeError. */
export function resolveOptions(options: EtcdOptions): ResolvedOptions {
  const limits = { ...defaults }
  for (const name of Object.keys(defaults) as Limit[]) {
    const value = options[name] ?? defaults[name]
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be an integer above 0`)
    limits[name] = value
  }
  if (limits.maxRequestBytes < MIN_REQUEST_BYTES) {
    throw new RangeError(`maxRequestBytes must be at least ${MIN_REQUEST_BYTES}`)
  }
  const { prefix = 'fata', auth, clock = systemClock() } = options
  if (typeof prefix !== 'string') throw new TypeError('prefix must be a string')
  if (prefix.length > MAX_PREFIX_LENGTH) throw new RangeError(`prefix must be at most ${MAX_PREFIX_LENGTH} characters`)
  if (auth && (typeof auth.user !== 'string' || typeof auth.password !== 'string')) {
    throw new TypeError('auth must have a user and a password')
  }
  const now = options.now ?? clock.wallTime
  if (typeof now !== 'function') throw new TypeError('now must be a function')
  const fetching = options.fetch ?? ((url, init) => fetch(url, init))
  if (typeof fetching !== 'function') throw new TypeError('fetch must be a function')
  return { ...limits, prefix, fetch: fetching, auth, clock, now }
}

/** The endpoints without a slash at the end. Throws RangeError, TypeError. */
export function resolveEndpoints(endpoints: string | readonly string[]): string[] {
  const list = typeof endpoints === 'string' ? endpoints.split(',') : [...endpoints]
  if (list.length === 0) throw new RangeError('an endpoint is needed')
  return list.map((text) => {
    if (typeof text !== 'string') throw new TypeError('an endpoint is a string')
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
      throw new RangeError(`an endpoint is http(s)://host:port, not ${JSON.stringify(text)}`)
    }
    return url.href.replace(/\/+$/, '')
  })
}
