import { type KeyLike, type KvOptions, type KvRo, walk } from '@fata/kv'
import { END_BYTES, entryHeaders, padding } from './core/layout.ts'

/**
 * The values of a store at and below `from` (default all), in Key order, as the bytes of an archive, chunk by chunk: of an
 * archive with overwritten values a smaller one. What is written meanwhile may or may not be in it. Rejects as the store does.
 */
export async function* writeTar(
  kv: KvRo,
  options: KvOptions & { readonly from?: KeyLike | undefined } = {},
): AsyncGenerator<Uint8Array, void> {
  const { signal, from } = options
  for await (const key of walk(kv, from, { signal })) {
    const value = await kv.get(key, { signal })
    if (!value) continue
    yield entryHeaders({ key, value, lastModified: await kv.lastModified(key, { signal }) })
    if (value.length === 0) continue
    yield value
    yield padding(value.length)
  }
  yield new Uint8Array(END_BYTES)
}
