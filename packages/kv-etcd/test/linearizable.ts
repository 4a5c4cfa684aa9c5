/** What one client did to one register, and when; the clock is the same for all. */
export interface Operation {
  readonly kind: 'write' | 'read'
  readonly value: string | undefined
  readonly start: number
  /** Infinity for a write of which nobody knows whether it happened, or will. */
  readonly end: number
}

interface Search {
  /** All operations before it are done. */
  readonly low: number
  /** Done ones behind `low`. */
  readonly done: ReadonlySet<number>
  readonly value: string | undefined
}

/**
 * Whether the operations can be put in one order in which every read finds what was written last, and which keeps the order of
 * any two of which one ended before the other began. After Wing and Gong, with the memory of Lowe.
 */
export function isLinearizable(history: readonly Operation[], initial?: string): boolean {
  const read = new Set(history.filter(({ kind }) => kind === 'read').map(({ value }) => value))
  // A write that perhaps never happened and that nobody saw constrains nothing.
  const ops = history
    .filter(({ kind, value, end }) => kind === 'read' || end !== Number.POSITIVE_INFINITY || read.has(value))
    .sort((a, b) => a.start - b.start)
  const stack: Search[] = [{ low: 0, done: new Set(), value: initial }]
  const seen = new Set<string>()
  for (let search = stack.pop(); search; search = stack.pop()) {
    const candidates = next(ops, search)
    if (candidates.every((i) => ops[i]!.end === Number.POSITIVE_INFINITY)) return true
    const { value } = search
    const free = candidates.find((i) => ops[i]!.kind === 'read' && ops[i]!.value === value)
    const choices = free === undefined ? candidates.filter((i) => ops[i]!.kind === 'write') : [free]
    for (const i of choices) {
      const then = step(search, i, ops[i]!.value)
      const memory = `${then.low} ${[...then.done].sort((a, b) => a - b)} ${then.value}`
      if (seen.has(memory)) continue
      seen.add(memory)
      stack.push(then)
    }
  }
  return false
}

/** Those that may come next: nothing that is left ended before they began. */
function next(ops: readonly Operation[], { low, done }: Search): number[] {
  const open: number[] = []
  let firstEnd = Number.POSITIVE_INFINITY
  for (let i = low; i < ops.length && ops[i]!.start <= firstEnd; i++) {
    if (done.has(i)) continue
    open.push(i)
    firstEnd = Math.min(firstEnd, ops[i]!.end)
  }
  return open.filter((i) => ops[i]!.start <= firstEnd)
}

function step({ low, done }: Search, i: number, value: string | undefined): Search {
  const after = new Set(done).add(i)
  while (after.delete(low)) low++
  return { low, done: after, value }
}
