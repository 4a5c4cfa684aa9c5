import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BATCH, KEYS, OPERATIONS, type Operation, type Rates, type Subject, VALUE_BYTES } from './subject.ts'

/** Of an empty place below `parent`, which is removed again. One operation after the other, as a program would that waits. */
export async function measure(
  open: (place: string) => Promise<Subject>,
  parent: string,
  milliseconds: number,
): Promise<Rates> {
  const place = await mkdtemp(join(parent, 'fata-bench-'))
  const subject = await open(place)
  try {
    const value = new Uint8Array(VALUE_BYTES).fill(7)
    const names = Array.from({ length: KEYS }, (_, i) => String(i))
    for (let at = 0; at < KEYS; at += BATCH) {
      await subject.batch(names.slice(at, at + BATCH).map((name) => [name, value]))
    }
    let turn = 0
    // A step that is prime to their number visits all names, in no order of theirs.
    const next = (): string => names[(turn = (turn + 617) % KEYS)]!
    const operations: Record<Operation, () => Promise<unknown>> = {
      get: () => subject.get(next()),
      set: () => subject.set(next(), value),
      batch: () => subject.batch(Array.from({ length: BATCH }, () => [next(), value])),
      list: () => subject.list(),
    }
    const found = await subject.list()
    if (found !== KEYS) throw new Error(`${found} names are there, not ${KEYS}`)
    const rates: Partial<Record<Operation, number>> = {}
    for (const operation of OPERATIONS) rates[operation] = await rateOf(operations[operation], milliseconds)
    return rates as Rates
  } finally {
    await subject.close()
    await rm(place, { recursive: true })
  }
}

async function rateOf(operation: () => Promise<unknown>, milliseconds: number): Promise<number> {
  const warm = performance.now() + milliseconds / 10
  while (performance.now() < warm) await operation()
  let count = 0
  let elapsed = 0
  const start = performance.now()
  while (elapsed < milliseconds) {
    // Looking at the clock costs as much as a read from memory.
    for (let i = 0; i < 16; i++) await operation()
    count += 16
    elapsed = performance.now() - start
  }
  return (count / elapsed) * 1000
}
