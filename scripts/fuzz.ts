// Throws altered frames at a whole stack, far more of them than the tests do.
// Usage: npm run fuzz -- [--frames 1000000] [--seed N]

import { parseArgs } from 'node:util'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fuzz } from '../packages/stack/test/support/fuzz/fuzz.ts'

const MEBIBYTE = 1_048_576
/** What may be held more at the end than after a tenth of the frames. */
const MOST_GROWTH = 24 * MEBIBYTE

const { values } = parseArgs({ options: { frames: { type: 'string' }, seed: { type: 'string' } } })
const frames = Number(values.frames ?? 1_000_000)
const seed = Number(values.seed ?? Math.trunc(Math.random() * 2 ** 31))
if (!(Number.isInteger(frames) && frames > 0 && Number.isInteger(seed))) {
  console.error('usage: npm run fuzz -- [--frames 1000000] [--seed N]')
  process.exit(2)
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
function held(): number {
  collect()
  return process.memoryUsage().heapUsed
}

console.log(`seed ${seed}, ${frames} frames`)
const started = performance.now()
const steps = new Set(Array.from({ length: 10 }, (_, i) => Math.trunc((frames * (i + 1)) / 10 / 32) * 32))
const heap: number[] = []
const { holdings, dropped, leftConnections, pings } = await fuzz({
  frames,
  seed,
  onProgress(done) {
    if (!steps.has(done)) return
    heap.push(held())
    const seconds = Math.round((performance.now() - started) / 1000)
    console.log(`${done} frames, ${seconds} s, ${(heap.at(-1)! / MEBIBYTE).toFixed(1)} MiB`)
  },
})
console.log({ dropped, ...holdings, leftConnections, pings })
const growth = heap.length < 2 ? 0 : heap.at(-1)! - heap[0]!
const bad = pings.some((kind) => kind !== 'reply') || leftConnections > 0 || growth > MOST_GROWTH
console.log(
  bad ? 'FAILED' : `nothing was thrown, memory grew by ${(growth / MEBIBYTE).toFixed(1)} MiB, the stack answers`,
)
process.exitCode = bad ? 1 : 0
