import { type Key, KvError } from '@fata/kv'
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from './api.ts'
import type { CallOptions, Endpoints } from './endpoints.ts'

/** Keys in one answer. */
export const PAGE = 1000

/** Typed requests; remembers how far the cluster is known to be. */
export class Client {
  readonly #endpoints: Endpoints
  /** The newest revision that any answer named. */
  revision = 0n

  constructor(endpoints: Endpoints) {
    this.#endpoints = endpoints
  }

  async range(request: RangeRequest, options?: CallOptions): Promise<RangeResponse> {
    return this.#see(await this.#endpoints.read('/v3/kv/range', request, options))
  }

  /** All at one revision, which the answers name. At most `--max-txn-ops` of them. */
  async ranges(requests: readonly RangeRequest[], options?: CallOptions): Promise<RangeResponse[]> {
    const success = requests.map((request) => ({ request_range: request }))
    const answer = this.#see<TxnResponse>(await this.#endpoints.read('/v3/kv/txn', { success }, options))
    const { header, responses = [] } = answer
    if (responses.length !== requests.length) throw misunderstood()
    return responses.map(({ response_range }) => ({ ...response_range, header }))
  }

  /** Every page of the range, at the revision that is asked for, or else all at the newest. */
  async all(request: RangeRequest, options?: CallOptions): Promise<RangeResponse> {
    const first = await this.range({ ...request, limit: PAGE }, options)
    const revision = request.revision ?? first.header.revision
    const kvs = [...(first.kvs ?? [])]
    for (let { more } = first; more; ) {
      // The first page may begin with the key after which the next begins.
      const rest = { ...request, key: kvs.at(-1)!.key, revision, limit: PAGE + 1 }
      const page = await this.range(rest, options)
      kvs.push(...(page.kvs ?? []).slice(1))
      more = page.more
    }
    return { header: first.header, kvs }
  }

  /** Whether the comparisons held, and all of it happened. */
  async commit(txn: TxnRequest, key?: Key): Promise<boolean> {
    const { succeeded = false } = this.#see<TxnResponse>(await this.#endpoints.write('/v3/kv/txn', txn, key))
    return succeeded
  }

  #see<T extends { readonly header: { readonly revision: string } }>(answer: unknown): T {
    const { header } = (answer ?? {}) as Partial<T>
    if (typeof header?.revision !== 'string' || !/^\d+$/.test(header.revision)) throw misunderstood()
    const revision = BigInt(header.revision)
    if (revision > this.revision) this.revision = revision
    return answer as T
  }
}

function misunderstood(): KvError {
  return new KvError('KV_IO', { message: 'this is no answer of etcd', cause: new Error('unexpected answer') })
}
