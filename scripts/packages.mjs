import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = new URL('../packages', import.meta.url).pathname

/** Every published package: its folder, its short name and its manifest. Private ones serve this repository's tests alone. */
export function packages() {
  return readdirSync(folder)
    .map((name) => ({
      name,
      dir: join(folder, name),
      manifest: JSON.parse(readFileSync(join(folder, name, 'package.json'), 'utf8')),
    }))
    .filter(({ manifest }) => manifest.private !== true)
}
