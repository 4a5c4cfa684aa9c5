// Throughput and latency over the virtual switch, and as root over a TAP against the kernel, beside the kernel over a veth pair.
// Usage: npm run bench -- [--runs=5] [--seconds=3] [--only=WORD]
import { parseArgs } from 'node:util'
import { buildSync } from 'esbuild'
import { buildKtcp, type Figures, measureKernel, tapPath, vethPath } from './kernel.ts'
import { measureSwitch, switchPaths } from './switch.ts'
import { printTable } from './table.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string' }, seconds: { type: 'string' }, only: { type: 'string' } },
})
const runs = Number(values.runs ?? 5)
const seconds = Number(values.seconds ?? 3)
const here = new URL('.', import.meta.url).pathname

const kernelFigures = new Map<string, Figures[]>()
const switchFigures = new Map<string, Figures[]>()
const wanted = (name: string): boolean => values.only === undefined || name.includes(values.only)

async function collect(into: Map<string, Figures[]>, name: string, measure: () => Promise<Figures>): Promise<void> {
  if (!wanted(name)) return
  const all = into.get(name) ?? []
  into.set(name, all)
  all.push(await measure())
  process.stderr.write('.')
}

const ktcp = process.getuid?.() === 0 ? buildKtcp() : undefined
if (ktcp === undefined) console.log('Over a TAP: not measured, it needs root on Linux and a C compiler.\n')
buildSync({
  entryPoints: [`${here}peer.ts`],
  bundle: true,
  platform: 'node',
  format: 'esm',
  outfile: `${here}build/peer.js`,
  external: ['@fata/*'],
})

for (let i = 0; i < runs; i++) {
  if (ktcp !== undefined) {
    for (const path of [vethPath(ktcp, true), tapPath(ktcp, true), vethPath(ktcp, false), tapPath(ktcp, false)]) {
      await collect(kernelFigures, path.name, () => measureKernel(path, ktcp, seconds))
    }
  }
  for (const path of switchPaths) await collect(switchFigures, path.name, () => measureSwitch(path, seconds))
}
process.stderr.write('\n')
if (kernelFigures.size > 0) {
  printTable(kernelFigures)
  console.log()
}
if (switchFigures.size > 0) printTable(switchFigures)
