import type { KvBatch, KvOp } from '@fata/kv'
import { createMem } from '@fata/kv-mem'
import { type Random, randomBelow, seededRandom } from '@fata/runtime'
import { openTar } from '../src/index.ts'
import { contents } from './places.ts'
import { LIE, type SimCall, SimDisk } from './sim-file.ts'

/** A step of a workload: one call, single sets called together, a write that a full disk refuses, or a new opening. */
type Step =
  | { readonly kind: 'set'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'batch'; readonly ops: readonly KvOp[] }
  | { readonly kind: 'together'; readonly sets: ReadonlyArray<readonly [key: string, value: Uint8Array]> }
  | { readonly kind: 'partial'; readonly key: string; readonly offset: number; readonly value: Uint8Array }
  | { readonly kind: 'full'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'reopen' }

const LONG = `/long/${'name'.repeat(40)}`
const KEYS = ['/a', '/b', '/d/x', '/d/y', '/d', LONG]

interface Plan {
  readonly steps: readonly Step[]
  /** Before step i: the contents. */
  readonly before: readonly string[]
  /** While step i is under way: what a crash may leave. */
  readonly during: ReadonlyArray<ReadonlySet<string>>
}

async function state(kv: KvBatch): Promise<string> {
  return (await contents(kv)).join('\n')
}

/** A workload with what it must come to, by the store in memory. */
async function plan(random: Random, length: number): Promise<Plan> {
  const model = createMem({ now: () => 0 })
  const steps: Step[] = []
  const before: string[] = []
  const during: Array<Set<string>> = []
  for (let i = 0; i < length; i++) {
    const step = randomStep(random)
    const start = await state(model)
    steps.push(step)
    before.push(start)
    during.push(new Set([start, ...(await outcomes(model, step))]))
  }
  before.push(await state(model))
  during.push(new Set([before.at(-1)!]))
  return { steps, before, during }
}

let serial = 0

function randomStep(random: Random): Step {
  const below = (n: number) => randomBelow(random, n)
  const key = () => KEYS[below(KEYS.length)]!
  // Zeros, too: what begins with a block of zeros looks like the end of an archive.
  const value = () => {
    const isZero = below(5) === 0
    const length = below(3) === 0 ? 500 + below(2000) : below(20)
    return Uint8Array.from({ length }, () => (isZero ? 0 : serial++ & 0xff))
  }
  const set = (): KvOp => ({ op: 'set', key: key(), value: value() })
  switch (below(9)) {
    case 0:
    case 1:
      return { kind: 'set', key: key(), value: value() }
    case 2:
    case 3:
    case 4:
      return { kind: 'batch', ops: Array.from({ length: 1 + below(5) }, set) }
    case 5:
      return { kind: 'together', sets: ['/a', '/d/x', LONG].map((one) => [one, value()] as const) }
    case 6:
      return { kind: 'partial', key: key(), offset: below(3), value: value() }
    case 7:
      return { kind: 'full', key: '/full', value: new Uint8Array(3000 + below(5000)).fill(7) }
    default:
      return { kind: 'reopen' }
  }
}

/** Applies the step to the model; every state that may be seen while it is under way. */
async function outcomes(model: KvBatch, step: Step): Promise<string[]> {
  const states: string[] = []
  if (step.kind === 'together') {
    for (const [key, value] of step.sets) {
      await model.set(key, value).catch(() => undefined)
      states.push(await state(model))
    }
  } else if (step.kind !== 'full') await execute(model, step).catch(() => undefined)
  return [...states, await state(model)]
}

async function execute(kv: KvBatch, step: Step): Promise<unknown> {
  switch (step.kind) {
    case 'set':
    case 'full':
      return kv.set(step.key, step.value)
    case 'batch':
      return kv.batch(step.ops)
    case 'together':
      return Promise.allSettled(step.sets.map(([key, value]) => kv.set(key, value)))
    case 'partial':
      return kv.setPartial(step.key, step.offset, step.value)
    default:
      return undefined
  }
}

/** An instant at which the process or the power may fail. */
interface Point {
  readonly disk: SimDisk
  /** Steps acknowledged. */
  readonly done: number
}

export interface Report {
  states: number
  readonly bad: string[]
  /** Every kind of sync that was asked for. */
  readonly syncs: Set<string>
}

interface Simulation {
  readonly random: Random
  readonly report: Report
  /** The kind of sync that is left out. */
  readonly omitted: string | undefined
}

/** Notes the syncs that matter by name, and leaves one out where that is asked for. */
function watcher({ report, omitted }: Simulation): {
  onCall: (call: SimCall) => string | undefined
  opened: () => void
} {
  let phase = 'open'
  return {
    opened: () => {
      phase = 'entries'
    },
    onCall({ name, isIdle }) {
      if (name !== 'sync' || isIdle) return undefined
      report.syncs.add(phase)
      const lies = phase === omitted
      if (phase !== 'open') phase = phase === 'entries' ? 'commit' : 'entries'
      return lies ? LIE : undefined
    },
  }
}

async function runWorkload(simulation: Simulation, { steps, before }: Plan): Promise<Point[]> {
  const disk = new SimDisk()
  const points: Point[] = []
  let done = 0
  const open = async (): Promise<KvBatch> => {
    const { onCall, opened } = watcher(simulation)
    const kv = await openTar(
      disk.open((call) => {
        points.push({ disk: disk.kill(), done })
        return onCall(call)
      }),
      { now: () => 1000 },
    )
    opened()
    return kv
  }
  let kv = await open()
  for (const step of steps) {
    if (step.kind === 'reopen') {
      await kv.disconnect()
      kv = await open()
    } else if (step.kind === 'full') {
      disk.capacity = disk.data.length + 1500
      const code = await execute(kv, step).then(
        () => undefined,
        (error: { code?: string }) => error.code,
      )
      if (code !== 'KV_NO_SPACE') throw new Error(`a full disk: ${code}`)
      disk.capacity = Number.POSITIVE_INFINITY
    } else await execute(kv, step).catch(() => undefined)
    done++
    const found = await state(kv)
    if (found !== before[done]) throw new Error(`without a crash: found ${found}, expected ${before[done]}`)
  }
  points.push({ disk: disk.kill(), done })
  await kv.disconnect()
  return points
}

/** Opens after a crash and compares; `again` times, at a random instant of it, the power fails again. */
async function recover(
  simulation: Simulation,
  disk: SimDisk,
  allowed: ReadonlySet<string>,
  again: number,
): Promise<void> {
  const { random, report } = simulation
  const points: SimDisk[] = [disk.kill()]
  const { onCall } = watcher(simulation)
  report.states++
  let kv: KvBatch
  try {
    kv = await openTar(
      disk.open((call) => {
        points.push(disk.kill())
        return onCall(call)
      }),
      { now: () => 1000 },
    )
  } catch (error) {
    report.bad.push(`cannot be opened: ${error}`)
    return
  }
  const found = await state(kv)
  if (!allowed.has(found)) report.bad.push(`found ${JSON.stringify(found)}, allowed ${JSON.stringify([...allowed])}`)
  if (again === 0) return
  for (let i = 0; i < again; i++) {
    const point = points[randomBelow(random, points.length)]!
    await recover(simulation, point.powerLoss(random), allowed, 0)
  }
  // What was seen, and what is acknowledged after it, must last.
  await recover(simulation, disk.powerLoss(random), new Set([found]), 0)
  await kv.set('/after', Uint8Array.of(7))
  await recover(simulation, disk.powerLoss(random), new Set([await state(kv)]), 0)
}

export interface SimulateOptions {
  readonly seed: number
  readonly steps: number
  /** Crashes tried at every instant. */
  readonly samples: number
  readonly omitted?: string | undefined
  /** Stops at the first bad state. */
  readonly untilBad?: boolean
}

/** Runs one workload, crashes at every call of it, and checks every state that this may leave. */
export async function simulate({ seed, steps, samples, omitted, untilBad }: SimulateOptions): Promise<Report> {
  const random = seededRandom(seed)
  const report: Report = { states: 0, bad: [], syncs: new Set() }
  const simulation: Simulation = { random, report, omitted }
  const planned = await plan(random, steps)
  for (const { disk, done } of await runWorkload(simulation, planned)) {
    for (let i = 0; i < samples; i++) {
      // A killed process leaves what no power loss can, until the power fails in turn.
      const killed = randomBelow(random, 3) === 0
      const crashed = killed ? disk.kill() : disk.powerLoss(random)
      await recover(simulation, crashed, planned.during[done]!, killed ? 2 : randomBelow(random, 2))
      if (untilBad && report.bad.length > 0) return report
    }
  }
  return report
}
