import { Key } from '../key.ts'
import type { KvRo } from '../store.ts'
import { walk } from '../walk.ts'
import type { Model } from './model.ts'

/** Names of one level with their kinds, as the store lists them. */
export async function names(kv: KvRo, key: Key | string = Key.root): Promise<string[]> {
  return (await kv.list(key)).map(([child, kind]) => `${child}${kind === 'dictionary' ? '/' : ''}`)
}

/** Everything in the store. */
export async function contents(kv: KvRo): Promise<Model> {
  const all = new Map<string, Uint8Array>()
  for await (const key of walk(kv)) {
    const value = await kv.get(key)
    if (value) all.set(key.toString(), value)
  }
  return all
}

/** Everything in the store as `path=text`, in order. */
export async function texts(kv: KvRo): Promise<string[]> {
  return [...(await contents(kv))].map(([path, value]) => `${path}=${text(value)}`)
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value && new TextDecoder().decode(value)
}
