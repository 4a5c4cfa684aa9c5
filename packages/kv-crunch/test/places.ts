import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type KvRo, walk } from '@fata/kv'

// Below node_modules, where packages are found by name and git does not look.
const cache = join(import.meta.dirname, '../../../node_modules/.cache')

/** A directory of its own, and how to be rid of it. */
export function temporaryDirectory(): { path: string; remove: () => void } {
  mkdirSync(cache, { recursive: true })
  const path = mkdtempSync(join(cache, 'kv-crunch-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) }
}

export function writeTree(root: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  mkdirSync(root, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
}

/** The values as text, by path. */
export async function texts(kv: KvRo): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const key of walk(kv)) found[key.toString()] = new TextDecoder().decode(await kv.get(key))
  return found
}
