// Mixed traffic between whole stacks in virtual time, for so many real minutes; at the end nothing may be left, and no memory taken.
// Usage: npm run soak -- [--minutes 30] [--seed N]
import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type SoakProgress, soak } from '../packages/stack/test/support/soak/soak.ts'

const MEBIBYTE = 1_048_576
const MINUTE = 60_000
/** What may be held more at the end, when all is quiet, than after the first tenth, when it is not. */
const MOST_GROWTH = 8 * MEBIBYTE

const { values } = parseArgs({ options: { minutes: { type: 'string' }, seed: { type: 'string' } } })
const minutes = Number(values.minutes ?? 30)
const seed = Number(values.seed ?? Math.trunc(Math.random() * 2 ** 31))
if (!(minutes > 0 && minutes < 1e6 && Number.isSafeInteger(seed) && seed >= 0)) {
  console.error('usage: npm run soak -- [--minutes 30] [--seed N]')
  process.exit(2)
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function held(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
const inMebibytes = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`

const started = performance.now()
let warmedUp: number | undefined
let reported = 0
function report({ virtualMs, connections, talking, open, bytes, pings, datagrams, failures }: SoakProgress): number {
  const memory = held()
  const [elapsed, days] = [(performance.now() - started) / MINUTE, virtualMs / 86_400_000]
  console.log(
    `${elapsed.toFixed(1)} min: ${days.toFixed(2)} virtual days, ${connections} connections made, ${open} in the tables, ${talking} talks, ` +
      `${inMebibytes(bytes)} checked, ${pings} pings, ${datagrams} datagrams, ${failures} failures of the network, ${inMebibytes(memory)} held`,
  )
  return memory
}

console.log(`seed ${seed}, ${minutes} minutes`)
let atEnd = 0
const { left } = await soak({
  seed,
  isEnough(progress) {
    const elapsed = performance.now() - started
    if (warmedUp === undefined && elapsed > (minutes * MINUTE) / 10) warmedUp = held()
    if (elapsed > (reported + 1) * MINUTE) {
      reported++
      report(progress)
    }
    return elapsed > minutes * MINUTE
  },
  onQuiet(progress) {
    atEnd = report(progress)
  },
})
const growth = atEnd - (warmedUp ?? atEnd)
for (const line of left) console.log(`left: ${line}`)
const isBad = left.length > 0 || growth > MOST_GROWTH
console.log(
  isBad ? `FAILED: memory grew by ${inMebibytes(growth)}` : `nothing is left, memory grew by ${inMebibytes(growth)}`,
)
process.exitCode = isBad ? 1 : 0
