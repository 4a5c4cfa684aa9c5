import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Key, KvRo } from '@fata/kv'
import type { Logger } from '@fata/runtime'
import fresh from 'fresh'
import { lookup } from 'mrmime'
import { locate } from './locate.ts'
import { choosePart, rangeApplies } from './range.ts'

/** Bytes asked of the store at once. */
const CHUNK_BYTES = 256 * 1024

/** Answers requests from a store: GET and HEAD, types by name, ETag from the digest, Last-Modified, one range, 404. */
export function siteHandler(store: KvRo, log: Logger): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    respond(store, request, response).catch((error: unknown) => {
      log.log('error', 'serve', 'request failed', { target: request.url, error })
      if (response.headersSent) response.destroy(error as Error)
      else plain(response, 500, 'Internal Server Error')
    })
  }
}

async function respond(store: KvRo, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return plain(response, 405, 'Method Not Allowed')
  }
  const location = await locate(store, request.url ?? '/')
  switch (location.kind) {
    case 'bad-request':
      return plain(response, 400, 'Bad Request')
    case 'not-found':
      return plain(response, 404, 'Not Found')
    case 'redirect':
      response.setHeader('Location', location.to)
      return plain(response, 301, 'Moved Permanently')
    case 'value':
      return sendValue(store, location.key, request, response)
  }
}

function plain(response: ServerResponse, status: number, text: string): void {
  const body = `${status} ${text}\n`
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': body.length })
  response.end(response.req.method === 'HEAD' ? undefined : body)
}

function contentType(key: Key): string {
  const type = lookup(key.basename) ?? 'application/octet-stream'
  return type.startsWith('text/') || type === 'application/json' ? `${type}; charset=utf-8` : type
}

async function sendValue(store: KvRo, key: Key, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [size, digest, modified] = await Promise.all([store.size(key), store.digest(key), store.lastModified(key)])
  const etag = `"${Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('base64url')}"`
  const lastModified = new Date(modified).toUTCString()
  response.setHeader('ETag', etag)
  response.setHeader('Last-Modified', lastModified)
  response.setHeader('Accept-Ranges', 'bytes')
  if (fresh(request.headers, { etag, 'last-modified': lastModified })) {
    response.writeHead(304).end()
    return
  }
  const asked = rangeApplies([request.headers['if-range']].flat()[0], etag, lastModified)
    ? request.headers.range
    : undefined
  const part = choosePart(size, request.method === 'GET' ? asked : undefined)
  if (part.kind === 'unsatisfiable') {
    response.setHeader('Content-Range', `bytes */${size}`)
    return plain(response, 416, 'Range Not Satisfiable')
  }
  response.setHeader('Content-Type', contentType(key))
  response.setHeader('Content-Length', part.end - part.start)
  if (part.kind === 'partial') response.setHeader('Content-Range', `bytes ${part.start}-${part.end - 1}/${size}`)
  response.writeHead(part.kind === 'partial' ? 206 : 200)
  if (request.method === 'GET') await sendBytes(store, key, part.start, part.end, response)
  response.end()
}

async function sendBytes(store: KvRo, key: Key, start: number, end: number, response: ServerResponse): Promise<void> {
  for (let offset = start; offset < end && !response.destroyed; ) {
    const chunk = await store.getPartial(key, offset, Math.min(CHUNK_BYTES, end - offset))
    if (chunk === undefined || chunk.length === 0) throw new Error(`${key} became shorter while it was sent`)
    offset += chunk.length
    if (!response.write(chunk)) await drained(response)
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}
