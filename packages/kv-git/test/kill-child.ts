import { openDir } from '@fata/kv-dir'
import { openGit } from '../src/index.ts'

// Commits batch after batch and tells each that is acknowledged, until it is killed.
const [path, from] = process.argv.slice(2)
const kv = await openGit(await openDir(path!, { create: true }))
for (let n = Number(from); ; n++) {
  const value = new TextEncoder().encode(String(n))
  await kv.batch(Array.from({ length: 10 }, (_, i) => ({ op: 'set', key: `/k${i % 3}/v${i}`, value })))
  process.send?.(n)
}
