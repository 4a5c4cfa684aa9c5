import type { Key, KvKind } from '@fata/kv'
import { type Client, PAGE } from './client.ts'
import type { KeySpace } from './wire.ts'

export interface ListRequest {
  readonly after?: string | undefined
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly revision?: string
}

/**
 * One level of one revision, by pages of keys. Of a dictionary that fills a page to its end the rest is skipped, so that a
 * level costs a request for each page or each large dictionary.
 */
export async function list(
  client: Client,
  space: KeySpace,
  key: Key,
  { limit = Number.POSITIVE_INFINITY, ...request }: ListRequest,
): Promise<Array<[Key, KvKind]>> {
  const children: Array<[Key, KvKind]> = []
  const depth = key.segments.length
  let { after, revision } = request
  let range = space.below(key, after)
  while (children.length < limit) {
    const size = Math.min(PAGE, limit - children.length)
    const page = await client.range(
      { ...range, limit: size, keys_only: true, ...(revision === undefined ? {} : { revision }) },
      { signal: request.signal, key },
    )
    revision ??= page.header.revision
    const before = after
    for (const { key: encoded } of page.kvs ?? []) {
      const found = space.decode(encoded)
      const name = found?.segments[depth]
      // What no store wrote is passed over.
      if (name === undefined || name === after) continue
      after = name
      children.push([key.child(name), found?.segments.length === depth + 1 ? 'value' : 'dictionary'])
    }
    const last = page.kvs?.at(-1)
    if (!page.more || !last) break
    range = after === undefined || after === before ? space.behind(last.key, range) : space.below(key, after)
  }
  return children
}
