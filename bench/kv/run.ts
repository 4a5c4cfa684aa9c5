// Every key-value store beside the library beneath it, used bare, in the same run.
// Usage: npm run bench:kv -- [--runs=5] [--seconds=1] [--only=kv-mem,kv-dir] [--dir=/var/tmp]
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { median } from '../table.ts'
import { measure } from './measure.ts'
import { rows } from './rows.ts'
import { BATCH, KEYS, OPERATIONS, type Operation, type Rates, type Row, VALUE_BYTES } from './subject.ts'

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string', default: rows.map(({ store }) => store).join() },
    dir: { type: 'string', default: tmpdir() },
  },
})
const runs = Number(values.runs)
const seconds = Number(values.seconds)
const wanted = values.only.split(',')
if (!(runs >= 1) || !(seconds > 0) || wanted.some((name) => !rows.some(({ store }) => store === name))) {
  console.error(
    `bench:kv: --runs and --seconds are positive numbers, --only names some of ${rows.map(({ store }) => store)}`,
  )
  process.exit(2)
}

function medians(all: readonly Rates[]): Rates {
  const of = (operation: Operation) => median(all.map((rates) => rates[operation]))
  return { get: of('get'), set: of('set'), batch: of('batch'), list: of('list') }
}

const WIDTH = 28
const show = (rate: number) => (rate >= 100 ? rate.toFixed(0) : rate.toPrecision(3))

function printRow(name: string, rates: Rates, base?: Rates): void {
  const cells = OPERATIONS.map((operation) => {
    const cost = base ? ` (${(base[operation] / rates[operation]).toFixed(2)})` : ''
    return `${show(rates[operation])}${cost}`.padStart(20)
  })
  console.log(`${name.padEnd(WIDTH)}${cells.join('')}`)
}

console.log(`${''.padEnd(WIDTH)}${[...OPERATIONS].map((name) => `${name}s/s`.padStart(20)).join('')}`)
const found: Array<{ row: Row; store: Rates; bare: Rates }> = []
for (const row of rows.filter(({ store }) => wanted.includes(store))) {
  const [store, bare]: [Rates[], Rates[]] = [[], []]
  for (let run = 0; run < runs; run++) {
    bare.push(await measure(row.openBare, values.dir, seconds * 1000))
    store.push(await measure(row.open, values.dir, seconds * 1000))
  }
  const result = { row, store: medians(store), bare: medians(bare) }
  found.push(result)
  printRow(row.bare, result.bare)
  printRow(row.store, result.store, result.bare)
}
console.log(
  `\nMedians of ${runs} runs in turn, in ${values.dir}. ${KEYS} values of ${VALUE_BYTES} bytes in one dictionary, one operation after the other;\n` +
    `a batch sets ${BATCH} of them. In brackets: how many times as long it takes as bare.\n`,
)
for (const { row, store, bare } of found) {
  for (const target of row.targets) {
    const { what, reached } = target(store, bare)
    console.log(`${reached ? 'reached' : 'MISSED '} ${row.store}: ${what}`)
  }
}
