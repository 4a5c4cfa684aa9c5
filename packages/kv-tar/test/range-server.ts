import type { RequestListener } from 'node:http'

export interface Served {
  readonly bytes: Uint8Array
  readonly etag: string
}

/** Answers one range of what there is at the time of the request; requests are told to `onRange`. */
export function rangeServer(current: () => Served, onRange: (range: string) => void = () => {}): RequestListener {
  return (request, response) => {
    const { bytes, etag } = current()
    const range = request.headers.range ?? ''
    onRange(range)
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? []
    response.setHeader('etag', etag)
    if (from === undefined) {
      response.end(bytes)
    } else if (Number(from) >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    } else {
      const part = bytes.subarray(Number(from), Number(to) + 1)
      const end = Number(from) + part.length - 1
      response.writeHead(206, { 'content-range': `bytes ${from}-${end}/${bytes.length}` }).end(part)
    }
  }
}
