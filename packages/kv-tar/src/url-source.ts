import type { TarSource } from './source.ts'

export interface UrlSourceOptions {
  /** Default the platform's. */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/**
 * An archive on an HTTP server that answers ranges (RFC 9110 §14). Reading fails when the server does not, and when the
 * archive is another one than at first, by its ETag or Last-Modified.
 */
export function urlSource(url: string | URL, options: UrlSourceOptions = {}): TarSource {
  const { fetch = globalThis.fetch, headers = {} } = options
  let version: string | undefined
  const check = (response: Response): void => {
    const { headers } = response
    const found = headers.get('etag') ?? headers.get('last-modified') ?? ''
    version ??= found
    if (found !== version) throw new Error(`${url} has changed`)
  }
  return {
    async read(offset, length, signal) {
      if (length === 0) return new Uint8Array(0)
      const range = `bytes=${offset}-${offset + length - 1}`
      const response = await fetch(url, {
        headers: { ...headers, range, 'accept-encoding': 'identity' },
        ...(signal ? { signal } : {}),
      })
      if (response.status !== 206) {
        await response.body?.cancel()
        if (response.status === 416) return new Uint8Array(0)
        const answered = `${url} answered ${response.status} ${response.statusText}`.trim()
        throw new Error(response.status === 200 ? `${answered}: the server knows no ranges` : answered)
      }
      check(response)
      const [, from] = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '') ?? []
      const bytes = new Uint8Array(await response.arrayBuffer())
      if (Number(from) !== offset || bytes.length > length) throw new Error(`${url} answered another range`)
      return bytes
    },
  }
}
