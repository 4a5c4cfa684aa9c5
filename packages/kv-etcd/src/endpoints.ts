import { type Key, KvError } from '@fata/kv'
import { type Failure, failureOfAnswer, failureOfFetch, toError } from './failure.ts'
import type { EtcdBody, EtcdResponse, ResolvedOptions } from './options.ts'

export interface CallOptions {
  readonly signal?: AbortSignal | undefined
  /** For the error. */
  readonly key?: Key | undefined
}

type Outcome<T> = { readonly done: T } | { readonly failure: Failure }

/** The members of a cluster: a request goes to the one that answered last, and from it to the next where it fails. */
export class Endpoints {
  readonly #urls: readonly string[]
  readonly #options: ResolvedOptions
  #current = 0
  /** Empty where the cluster wants none. */
  #token: string | undefined
  #authenticating: Promise<Failure | undefined> | undefined

  constructor(urls: readonly string[], options: ResolvedOptions) {
    this.#urls = urls
    this.#options = options
  }

  /** Asks until an endpoint answers, or all attempts are used up. Rejects with KvError, Compacted or the signal's reason. */
  async read(path: string, body: object, { signal, key }: CallOptions = {}): Promise<unknown> {
    return this.#retry(
      (url) => this.#answer(url, path, body, signal),
      () => true,
      { signal, key },
    )
  }

  /** Sends until it may have been received, and then does not send again: KV_OUTCOME_UNKNOWN. An abort comes too late. */
  async write(path: string, body: object, key?: Key): Promise<unknown> {
    return this.#retry(
      (url) => this.#answer(url, path, body, undefined),
      ({ fate }) => fate !== 'lost',
      { key },
    )
  }

  /** The answer to a request that goes on; to be ended by the signal. */
  async stream(path: string, body: object, signal: AbortSignal): Promise<EtcdBody> {
    const open = async (url: string): Promise<Outcome<EtcdBody>> => {
      const response = await this.#fetch(url, path, body, signal)
      if ('failure' in response) return response
      const { done } = response
      if (done.status === 200 && done.body) return { done: done.body }
      return { failure: failureOfAnswer(done.status, await done.text()) }
    }
    return this.#retry(open, () => true, { signal })
  }

  /** The next request goes to another endpoint. */
  rotate(): void {
    this.#current = (this.#current + 1) % this.#urls.length
  }

  /** After the `n`th round of failures. Rejects with the signal's reason. */
  pause(n: number, signal: AbortSignal | undefined): Promise<void> {
    const { clock, retryMs } = this.#options
    return new Promise((resolve, reject) => {
      const abort = () => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = clock.schedule(clock.now() + retryMs * 2 ** Math.min(n, 6), () => {
        signal?.removeEventListener('abort', abort)
        resolve()
      })
      if (signal?.aborted) abort()
      else signal?.addEventListener('abort', abort, { once: true })
    })
  }

  async #retry<T>(
    send: (url: string) => Promise<Outcome<T>>,
    mayRepeat: (failure: Failure) => boolean,
    { signal, key }: CallOptions,
  ): Promise<T> {
    let renewed = false
    for (let attempt = 1; ; attempt++) {
      signal?.throwIfAborted()
      const at = this.#current
      const refused = await this.#authenticate(at)
      const token = this.#token
      const outcome = refused ?? (await send(this.#urls[at]!))
      if ('done' in outcome) return outcome.done
      signal?.throwIfAborted()
      const { failure } = outcome
      if (failure.fate === 'token' && !renewed && this.#options.auth) {
        renewed = true
        if (this.#token === token) this.#token = undefined
        continue
      }
      // Another call that failed at the same endpoint may have gone on already.
      if (this.#current === at && failure.fate !== 'refused') this.rotate()
      if (!mayRepeat(failure)) {
        throw new KvError('KV_OUTCOME_UNKNOWN', { message: failure.message, cause: failure.cause, key })
      }
      const final = failure.fate === 'refused' || failure.fate === 'compacted' || failure.fate === 'token'
      if (final || attempt >= this.#options.attempts) throw toError(failure, { key })
      if (attempt % this.#urls.length === 0) await this.pause(attempt / this.#urls.length - 1, signal)
    }
  }

  async #answer(url: string, path: string, body: object, signal: AbortSignal | undefined): Promise<Outcome<unknown>> {
    const { clock, timeoutMs } = this.#options
    const limit = new AbortController()
    const abort = () => limit.abort(signal?.reason)
    signal?.addEventListener('abort', abort, { once: true })
    const timer = clock.schedule(clock.now() + timeoutMs, () => limit.abort(new Error(`no answer in ${timeoutMs} ms`)))
    try {
      const response = await this.#fetch(url, path, body, limit.signal)
      if ('failure' in response) return response
      const text = await response.done.text()
      if (response.done.status !== 200) return { failure: failureOfAnswer(response.done.status, text) }
      return { done: JSON.parse(text) as unknown }
    } catch (error) {
      return { failure: { fate: 'lost', code: 'KV_IO', message: 'the answer of etcd broke off', cause: error } }
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  async #fetch(url: string, path: string, body: object, signal: AbortSignal): Promise<Outcome<EtcdResponse>> {
    const headers: Record<string, string> = { 'content-type': 'application/json' }
    if (this.#token) headers['authorization'] = this.#token
    try {
      return {
        done: await this.#options.fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body), signal }),
      }
    } catch (error) {
      return { failure: failureOfFetch(error) }
    }
  }

  /** Gets a token where one is needed and missing; all calls wait for the same. */
  async #authenticate(at: number): Promise<{ failure: Failure } | undefined> {
    const { auth } = this.#options
    if (!auth || this.#token !== undefined) return undefined
    this.#authenticating ??= this.#login(this.#urls[at]!, auth.user, auth.password).finally(() => {
      this.#authenticating = undefined
    })
    const failure = await this.#authenticating
    // Nothing but the password has been sent.
    return failure && { failure: failure.fate === 'lost' ? { ...failure, fate: 'unsent' } : failure }
  }

  async #login(url: string, name: string, password: string): Promise<Failure | undefined> {
    const outcome = await this.#answer(url, '/v3/auth/authenticate', { name, password }, undefined)
    if ('done' in outcome) {
      const { token } = (outcome.done ?? {}) as { token?: unknown }
      this.#token = typeof token === 'string' ? token : ''
      return undefined
    }
    const { failure } = outcome
    if (!failure.message.includes('authentication is not enabled')) return failure
    this.#token = ''
    return undefined
  }
}
