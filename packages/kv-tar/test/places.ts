import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type KvRo, walk } from '@fata/kv'

/** An empty directory of its own, and how to be rid of it. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'kv-tar-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) }
}

/** File descriptors of this process. */
export function openHandles(): number {
  return readdirSync('/proc/self/fd').length
}

/** Everything in the store, as one line per value. */
export async function contents(kv: KvRo): Promise<string[]> {
  const lines: string[] = []
  for await (const key of walk(kv)) lines.push(`${key}=${(await kv.get(key))?.join(' ')}`)
  return lines
}

/** The values as text, by path. */
export async function texts(kv: KvRo): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const key of walk(kv)) found[key.toString()] = new TextDecoder().decode(await kv.get(key))
  return found
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
