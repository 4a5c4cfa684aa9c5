// How long it takes to know what is in an archive, in time of the processor: kv-tar beside tar-stream, in the same run, over a file of GNU tar's.
// Usage: npm run bench:kv:tar -- [--runs=5] [--entries=10000] [--bytes=1024]
import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { openTarFileReadOnly } from '@fata/kv-tar/file'
import { extract } from 'tar-stream'
import { median } from '../table.ts'

const MIN_RATIO = 4

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    entries: { type: 'string', default: '10000' },
    bytes: { type: 'string', default: '1024' },
  },
})
const [runs, entries, bytes] = [Number(values.runs), Number(values.entries), Number(values.bytes)]
if (!(runs >= 1) || !(entries >= 1) || !(bytes >= 0)) {
  console.error('bench:kv:tar: --runs, --entries and --bytes are numbers')
  process.exit(2)
}

async function makeArchive(place: string): Promise<string> {
  const tree = join(place, 'tree')
  for (let i = 0; i < entries; i++) {
    if (i % 100 === 0) await mkdir(join(tree, `directory-${i / 100}`), { recursive: true })
    await writeFile(join(tree, `directory-${Math.floor(i / 100)}`, `file-${i}.txt`), new Uint8Array(bytes).fill(i))
  }
  execFileSync('tar', ['-cf', 'archive.tar', 'tree'], { cwd: place })
  return join(place, 'archive.tar')
}

async function byStore(file: string): Promise<number> {
  const kv = await openTarFileReadOnly(file)
  const last = entries - 1
  const size = await kv.size(`tree/directory-${Math.floor(last / 100)}/file-${last}.txt`)
  await kv.disconnect()
  return size === bytes ? entries : 0
}

/** What it calls reading an archive: a stream, of which the values are let go by. */
async function byStream(file: string): Promise<number> {
  const reading = extract()
  const names = new Map<string, number>()
  reading.on('entry', ({ name, size = 0, type }, stream, next) => {
    if (type === 'file') names.set(name, size)
    stream.on('end', next)
    stream.resume()
  })
  await pipeline(createReadStream(file), reading)
  return names.size
}

async function time(work: (file: string) => Promise<number>, file: string): Promise<number> {
  const before = process.cpuUsage()
  const found = await work(file)
  if (found !== entries) throw new Error(`${found} entries were found, not ${entries}`)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

const place = await mkdtemp(join(tmpdir(), 'fata-bench-'))
try {
  const file = await makeArchive(place)
  const [store, stream]: [number[], number[]] = [[], []]
  await time(byStream, file)
  await time(byStore, file)
  for (let run = 0; run < runs; run++) {
    stream.push(await time(byStream, file))
    store.push(await time(byStore, file))
  }
  const ratio = median(stream) / median(store)
  console.log(`tar-stream, every entry by its name   ${median(stream).toFixed(1)} ms`)
  console.log(`kv-tar, opened, the last one's size   ${median(store).toFixed(1)} ms`)
  console.log(`\nMedians of ${runs} runs in turn: ${entries} entries of ${bytes} bytes.`)
  console.log(
    `${ratio.toFixed(1)} times as fast, wanted ${MIN_RATIO}: ${ratio >= MIN_RATIO ? 'reached' : 'NOT reached'}`,
  )
  process.exitCode = ratio >= MIN_RATIO ? 0 : 1
} finally {
  await rm(place, { recursive: true })
}
