// Throughput, latency and memory of the stack: as root over a TAP against the kernel, beside the kernel over a veth pair; over the
// virtual switch in this process; over a long fat pipe in virtual time. In the end: what was measured against what is wanted.
// Usage: npm run bench -- [--runs=5] [--seconds=3] [--only=kernel,switch,wan,idle] [--wan-kernel]
import { parseArgs } from 'node:util'
import { buildSync } from 'esbuild'
import { measureIdle } from './idle.ts'
import { buildKtcp, type Figures, measureKernel, tapPath, vethPath } from './kernel.ts'
import { measureSwitch, switchPaths } from './switch.ts'
import { median, printTable } from './table.ts'
import { printTargets, type Results } from './targets.ts'
import { measureWan, WAN_LOSSES } from './wan.ts'
import { measureWanKernel } from './wan-kernel.ts'

const PARTS = ['kernel', 'switch', 'wan', 'idle']
const IDLE_CONNECTIONS = 100_000
const WAN_SECONDS = 60
const WAN_SEEDS = 12

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    only: { type: 'string', default: PARTS.join() },
    'wan-kernel': { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const seconds = Number(values.seconds)
const parts = values.only.split(',')
const unknown = parts.find((part) => !PARTS.includes(part))
if (unknown !== undefined || !(runs >= 1) || !(seconds > 0)) {
  console.error(`bench: --runs and --seconds are positive numbers, --only names some of ${PARTS.join()}`)
  process.exit(2)
}

const here = new URL('.', import.meta.url).pathname
const isRoot = process.getuid?.() === 0
const ktcp = isRoot ? buildKtcp() : undefined

function bundle(name: string): void {
  buildSync({
    entryPoints: [`${here}${name}.ts`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: `${here}build/${name}.js`,
    external: ['@fata/*'],
  })
}

async function collect(into: Map<string, Figures[]>, name: string, measure: () => Promise<Figures>): Promise<void> {
  const all = into.get(name) ?? []
  into.set(name, all)
  all.push(await measure())
  process.stderr.write('.')
}

/** Every path once in each run, so that what else the machine does hits all of them alike. */
async function comparePaths(): Promise<Map<string, Figures[]>> {
  const figures = new Map<string, Figures[]>()
  if (ktcp === undefined) {
    console.log('Over a TAP: not measured, it needs root on Linux and a C compiler.\n')
    return figures
  }
  bundle('peer')
  const paths = [vethPath(ktcp, true), tapPath(ktcp, true), vethPath(ktcp, false), tapPath(ktcp, false)]
  for (let i = 0; i < runs; i++)
    for (const path of paths) await collect(figures, path.name, () => measureKernel(path, ktcp, seconds))
  return figures
}

async function compareSwitches(): Promise<Map<string, Figures[]>> {
  const figures = new Map<string, Figures[]>()
  for (let i = 0; i < runs; i++)
    for (const path of switchPaths) await collect(figures, path.name, () => measureSwitch(path, seconds))
  return figures
}

/** Goodput over the long fat pipe for each loss rate, bit/s: ours, and the kernel's where that is asked for. */
async function compareWans(): Promise<Results['wan']> {
  const results: { loss: number; ours: number; kernel: number | undefined }[] = []
  if (values['wan-kernel']) bundle('cable')
  for (const loss of WAN_LOSSES) {
    const seeds = loss === 0 ? 1 : WAN_SEEDS
    let sum = 0
    for (let seed = 1; seed <= seeds; seed++) sum += await measureWan(loss, WAN_SECONDS, seed)
    const kernel =
      values['wan-kernel'] && ktcp !== undefined ? await measureWanKernel(ktcp, loss, WAN_SECONDS, seeds) : undefined
    results.push({ loss, ours: sum / seeds, kernel })
    process.stderr.write('.')
  }
  return results
}

const has = (part: string): boolean => parts.includes(part)
const kernel = has('kernel') ? await comparePaths() : undefined
const switches = has('switch') ? await compareSwitches() : undefined
const wan = has('wan') ? await compareWans() : undefined
const idle = has('idle') ? await measureIdle(IDLE_CONNECTIONS) : undefined
process.stderr.write('\n')
for (const figures of [kernel, switches]) {
  if (figures === undefined || figures.size === 0) continue
  printTable(figures)
  console.log()
}
const medianOf = (
  figures: Map<string, Figures[]> | undefined,
  path: string,
  key: keyof Figures,
): number | undefined => {
  const all = figures?.get(path)?.map((f) => f[key])
  return all?.every((value) => value !== undefined) ? median(all) : undefined
}
printTargets({ kernel: medianOf.bind(null, kernel), switches: medianOf.bind(null, switches), wan, idle })
