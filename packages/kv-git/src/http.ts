import type { GitHttpRequest, GitHttpResponse, HttpClient } from 'isomorphic-git'
import { concat } from './bytes.ts'

/** What a remote needs of an answer: as of the platform's `Response`. */
export interface GitResponse {
  readonly url: string
  readonly status: number
  readonly statusText: string
  readonly headers: { forEach(each: (value: string, name: string) => void): void }
  arrayBuffer(): Promise<ArrayBuffer>
}

/** The platform's `fetch`, or one that knows certificates or proxies. */
export type GitFetch = (
  url: string,
  init: {
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    readonly body?: Uint8Array
    readonly signal?: AbortSignal
  },
) => Promise<GitResponse>

/** The client that isomorphic-git takes, over `fetch`; every request ends when the signal aborts. */
export function createHttpClient(fetching: GitFetch, signal: AbortSignal | undefined): HttpClient {
  return {
    async request({ url, method = 'GET', headers = {}, body }: GitHttpRequest): Promise<GitHttpResponse> {
      const sent = body && (await collect(body))
      const response = await fetching(url, {
        method,
        headers,
        ...(sent ? { body: sent } : {}),
        ...(signal ? { signal } : {}),
      })
      const received: Record<string, string> = {}
      response.headers.forEach((value, name) => {
        received[name] = value
      })
      return {
        url: response.url,
        statusCode: response.status,
        statusMessage: response.statusText,
        headers: received,
        body: once(new Uint8Array(await response.arrayBuffer())),
      }
    },
  }
}

async function collect(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of body) parts.push(part)
  return concat(...parts)
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes
}
