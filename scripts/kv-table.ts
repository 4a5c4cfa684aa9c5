// Writes or checks the table of stores in docs/kv.md, from what the stores say of themselves when they are opened.
// Usage: npm run kv-table [-- --check]
import 'fake-indexeddb/auto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'
import type { KvCapabilities, KvRo } from '@fata/kv'
import { openCrunched } from '@fata/kv-crunch'
import { openDir, openDirReadOnly } from '@fata/kv-dir'
import { openEtcd } from '@fata/kv-etcd'
import { openGit } from '@fata/kv-git'
import { openLevel } from '@fata/kv-level'
import { openClassicLevel } from '@fata/kv-level/classic'
import { createMem } from '@fata/kv-mem'
import { bytesSource, openTarReadOnly } from '@fata/kv-tar'
import { openTarFile } from '@fata/kv-tar/file'
import { BrowserLevel } from 'browser-level'

const DOCUMENT = new URL('../docs/kv.md', import.meta.url)
const BEGIN = '<!-- table: npm run kv-table -->\n'
const END = '<!-- end of table -->'

interface Row {
  readonly package: string
  readonly opened: string
  /** `place` is an empty directory. */
  readonly open: (place: string) => Promise<KvRo>
}

/** One row for every way to open a store. */
const rows: readonly Row[] = [
  { package: 'kv-mem', opened: 'createMem', open: async () => createMem() },
  { package: 'kv-dir', opened: 'openDir', open: (place) => openDir(place) },
  { package: 'kv-dir', opened: 'openDirReadOnly', open: (place) => openDirReadOnly(place) },
  { package: 'kv-level', opened: 'openClassicLevel', open: (place) => openClassicLevel(place) },
  { package: 'kv-level', opened: 'openLevel` over `browser-level', open: () => openLevel(new BrowserLevel('table')) },
  { package: 'kv-tar', opened: 'openTarFile', open: (place) => openTarFile(join(place, 'a.tar'), { create: true }) },
  { package: 'kv-tar', opened: 'openTarReadOnly', open: () => openTarReadOnly(bytesSource(new Uint8Array(1024))) },
  { package: 'kv-crunch', opened: 'openCrunched', open: async () => openCrunched({ lastModified: 0, files: [] }) },
  { package: 'kv-git', opened: 'openGit` over `kv-dir', open: async (place) => openGit(await openDir(place)) },
  { package: 'kv-etcd', opened: 'openEtcd', open: () => openEtcd('http://127.0.0.1', { fetch: answerNothing }) },
]

/** An empty cluster: what the store says of itself follows from its options. */
async function answerNothing(): Promise<{
  ok: true
  status: 200
  body: null
  json: () => Promise<unknown>
  text: () => Promise<string>
}> {
  const answer = { header: { revision: '1' } }
  return { ok: true, status: 200, body: null, json: async () => answer, text: async () => JSON.stringify(answer) }
}

const HEAD = [
  'store',
  'opened by',
  'a resolved write survives',
  'writes',
  'watch',
  'snapshot',
  'largest value',
  'largest batch',
  'digest',
  'times to',
]

const SURVIVES: Readonly<Record<KvCapabilities['durability'], string>> = {
  none: 'nothing',
  'process-crash': 'a crash of the process',
  'power-loss': 'a power loss',
  replicated: 'the loss of a minority of machines',
}

function cellsOf(row: Row, kv: KvRo): string[] {
  const { capabilities: can } = kv
  const writable = 'set' in kv
  const batch = 'batch' in kv
  return [
    `[\`${row.package}\`](../packages/${row.package})`,
    `\`${row.opened}\``,
    writable ? SURVIVES[can.durability] : '',
    writable ? `${can.appendOnly ? 'append-only' : 'all'}${batch ? ', atomic batches' : ''}` : 'none',
    'watch' in kv ? 'yes' : '',
    'snapshot' in kv ? 'yes' : '',
    bytes(can.maxValueBytes),
    batch ? `${can.maxBatchOps}, ${bytes(can.maxBatchBytes)}` : '',
    can.digest,
    can.lastModifiedResolutionMs === 1 ? 'a millisecond' : 'a second',
  ]
}

function bytes(n: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  let unit = 0
  let value = n
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`
}

/** The table as Markdown, from stores that are opened for it. */
export async function table(): Promise<string> {
  const lines = [HEAD, HEAD.map(() => '---')]
  for (const row of rows) {
    const place = await mkdtemp(join(tmpdir(), 'kv-table-'))
    const kv = await row.open(place)
    lines.push(cellsOf(row, kv))
    await kv.disconnect()
    await rm(place, { recursive: true })
  }
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')
}

/** The document with the table in its place. */
export async function documentWithTable(): Promise<{ before: string; after: string }> {
  const before = await readFile(DOCUMENT, 'utf8')
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)]
  if (begin < 0 || end < begin) throw new Error(`docs/kv.md has no place for the table: ${BEGIN} ... ${END}`)
  return { before, after: before.slice(0, begin + BEGIN.length) + (await table()) + before.slice(end) }
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const { before, after } = await documentWithTable()
  if (!argv.includes('--check')) await writeFile(DOCUMENT, after)
  else if (before !== after) {
    console.error('docs/kv.md is not what the stores say of themselves: npm run kv-table')
    process.exitCode = 1
  }
}
