import { Key, type KvError, type KvRo } from '@fata/kv'

/** Where a request's path leads. */
export type Location =
  | { readonly kind: 'value'; readonly key: Key }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'bad-request' }

/** The key a path names, or undefined where no store can hold it. */
function keyOf(path: string): Key | undefined {
  try {
    return Key.parse(path)
  } catch (error) {
    if (error instanceof Error && (error as KvError).code === 'KV_KEY_INVALID') return undefined
    throw error
  }
}

function decodePath(target: string): string | undefined {
  const end = target.search(/[?#]/)
  try {
    return decodeURIComponent(end < 0 ? target : target.slice(0, end))
  } catch {
    return undefined
  }
}

/** Finds the value for a request target (`/docs/?q=1`). A dictionary is served by its `index.html`, under a path that ends with `/`. */
export async function locate(store: KvRo, target: string): Promise<Location> {
  const path = decodePath(target)
  if (path === undefined || !path.startsWith('/')) return { kind: 'bad-request' }
  const key = keyOf(path)
  if (key === undefined) return { kind: 'not-found' }

  const kind = await store.exists(key)
  if (kind === 'value' && !path.endsWith('/')) return { kind: 'value', key }
  if (kind !== 'dictionary') return { kind: 'not-found' }
  const index = key.child('index.html')
  if ((await store.exists(index)) !== 'value') return { kind: 'not-found' }
  if (path.endsWith('/')) return { kind: 'value', key: index }
  // The key's own form has one slash in front: `//host/dir` must not become a link to another host.
  return { kind: 'redirect', to: `${key.segments.map((segment) => `/${encodeURIComponent(segment)}`).join('')}/` }
}
