import { openDir } from '@fata/kv-dir'

// Commits batch after batch, each setting ten keys to its number, until somebody kills it. Says which are acknowledged.
const [path = '', start = '0'] = process.argv.slice(2)
const kv = await openDir(path)
process.send?.('ready')
for (let n = Number(start); ; n++) {
  const value = new TextEncoder().encode(String(n).padEnd(500))
  await kv.batch(Array.from({ length: 10 }, (_, i) => ({ op: 'set', key: `/k${i % 3}/v${i}`, value })))
  await kv.set('/single', value)
  process.send?.(n)
}
