import type { Figures } from './kernel.ts'

/** The middle one. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

const columns: readonly { key: keyof Figures; title: string; show(value: number): string }[] = [
  { key: 'into', title: 'into, Gbit/s', show: (v) => (v / 1e9).toFixed(2) },
  { key: 'from', title: 'from, Gbit/s', show: (v) => (v / 1e9).toFixed(2) },
  { key: 'median', title: 'RTT median, us', show: (v) => v.toFixed(1) },
  { key: 'p99', title: 'RTT p99, us', show: (v) => v.toFixed(1) },
  { key: 'connections', title: 'connections/s', show: (v) => v.toFixed(0) },
]

/** Medians of every path, each with its ratio to the first one's in the same runs. */
export function printTable(runs: ReadonlyMap<string, readonly Figures[]>): void {
  const paths = [...runs.keys()]
  const width = Math.max(...paths.map((name) => name.length))
  const medians = new Map(
    paths.map((name) => [
      name,
      columns.map(({ key }) => {
        const values = runs.get(name)!.map((figures) => figures[key])
        return values.every((value) => value !== undefined) && values.length > 0 ? median(values) : undefined
      }),
    ]),
  )
  const base = medians.get(paths[0]!)!
  console.log(`${''.padEnd(width)}  ${columns.map(({ title }) => title.padStart(20)).join('')}`)
  for (const name of paths) {
    const cells = medians.get(name)!.map((value, i) => {
      if (value === undefined) return '-'.padStart(20)
      const ratio = base[i] === undefined ? '' : ` (${(value / base[i]).toFixed(2)})`
      return `${columns[i]!.show(value)}${ratio}`.padStart(20)
    })
    console.log(`${name.padEnd(width)}  ${cells.join('')}`)
  }
  console.log(`\nMedians of ${runs.get(paths[0]!)!.length} runs in turn; in brackets the ratio to "${paths[0]}".`)
}
