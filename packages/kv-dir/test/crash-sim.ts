import { type KvBatch, type KvOp, type KvRo, walk } from '@fata/kv'
import { createMem } from '@fata/kv-mem'
import { type DirHost, openDirOn } from '../src/open.ts'
import { createRandom, createSimFs, LIE, type Random, type SimCall, SimDisk } from './sim-fs.ts'

/** A step of a workload: operations of one batch, single sets called together, or something around the store. */
type Step =
  | { readonly kind: 'batch'; readonly ops: readonly KvOp[] }
  | { readonly kind: 'together'; readonly sets: ReadonlyArray<Extract<KvOp, { op: 'set' }>> }
  | { readonly kind: 'partial'; readonly key: string; readonly offset: number; readonly value: Uint8Array }
  | { readonly kind: 'full'; readonly ops: readonly KvOp[] }
  | { readonly kind: 'reopen' }

const KEYS = ['/a', '/b', '/d/x', '/d/y', '/d/e/z', '/f/g/h', '/d', '/f/g', '/a/below']

/** Everything in the store, as one line per value. */
export async function contents(kv: KvRo): Promise<string> {
  const lines: string[] = []
  for await (const key of walk(kv)) lines.push(`${key}=${(await kv.get(key))?.join(' ')}`)
  return lines.join('\n')
}

interface Plan {
  readonly steps: readonly Step[]
  /** Before step i: the contents. */
  readonly before: readonly string[]
  /** While step i is under way: what a crash may leave. */
  readonly during: ReadonlyArray<ReadonlySet<string>>
}

/** A workload with what it must come to, by the store in memory. */
async function plan(random: Random, length: number): Promise<Plan> {
  const model = createMem({ now: () => 0 })
  const steps: Step[] = []
  const before: string[] = []
  const during: Array<Set<string>> = []
  let serial = 0
  const value = () => Uint8Array.from({ length: random(20) + (random(8) === 0 ? 200 : 0) }, () => serial++ & 0xff)
  for (let i = 0; i < length; i++) {
    const step = randomStep(random, value)
    const start = await contents(model)
    steps.push(step)
    before.push(start)
    during.push(new Set([start, ...(await outcomes(model, step))]))
  }
  before.push(await contents(model))
  during.push(new Set([before.at(-1)!]))
  return { steps, before, during }
}

function randomStep(random: Random, value: () => Uint8Array): Step {
  const key = () => KEYS[random(KEYS.length)]!
  const op = (): KvOp => {
    const which = random(6)
    if (which < 3) return { op: 'set', key: key(), value: value() }
    if (which < 4) return { op: 'rename', source: key(), dest: key() }
    return { op: 'remove', key: key() }
  }
  const set = (key: string) => ({ op: 'set', key, value: value() }) as const
  switch (random(10)) {
    case 0:
    case 1:
      return { kind: 'batch', ops: [op()] }
    case 2:
    case 3:
    case 4:
    case 5:
      return { kind: 'batch', ops: Array.from({ length: 2 + random(4) }, op) }
    case 6:
      return { kind: 'together', sets: [set('/a'), set('/d/x'), set(`/new${random(3)}/v`)] }
    case 7:
      return { kind: 'partial', key: key(), offset: 0, value: value() }
    case 8: {
      const first = { ...set(`/full${random(2)}/v`), value: Uint8Array.of(1) }
      return { kind: 'full', ops: random(2) ? [first] : [first, set('/b')] }
    }
    default:
      return { kind: 'reopen' }
  }
}

/** Applies the step to the model; every state that may be seen while it is under way. */
async function outcomes(model: KvBatch, step: Step): Promise<string[]> {
  if (step.kind === 'together') {
    const start = createMem()
    const states: string[] = []
    for (let some = 1; some < 1 << step.sets.length; some++) {
      const branch = createMem()
      for await (const key of walk(model)) await branch.set(key, (await model.get(key))!)
      for (const [i, set] of step.sets.entries()) if (some & (1 << i)) await branch.batch([set]).catch(() => undefined)
      states.push(await contents(branch))
    }
    for (const set of step.sets) await model.batch([set]).catch(() => undefined)
    await start.disconnect()
    return states
  }
  if (step.kind === 'batch') await model.batch(step.ops).catch(() => undefined)
  if (step.kind === 'partial') await model.setPartial(step.key, step.offset, step.value).catch(() => undefined)
  return [await contents(model)]
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

function host(disk: SimDisk, onCall: (call: SimCall) => string | undefined): DirHost {
  return { fs: createSimFs(disk, { onCall }), lock: async () => async () => {}, pid: 1, windows: false }
}

/** Notes the sync, and leaves it out where that is asked for. */
function synced({ report, omitted }: Simulation, phase: string, { label }: SimCall): string | undefined {
  if (label === undefined) return undefined
  const name = `${phase} ${label}`
  report.syncs.add(name)
  return name === omitted ? LIE : undefined
}

async function runWorkload(simulation: Simulation, { steps, before }: Plan): Promise<Point[]> {
  const disk = new SimDisk()
  const points: Point[] = []
  let done = 0
  let phase = 'open'
  let full = false
  const onCall = (call: SimCall): string | undefined => {
    points.push({ disk: disk.kill(), done })
    if (full && call.path.includes('.kv~')) {
      if (call.name === 'write') return 'ENOSPC'
    }
    if (full && call.name === 'rmdir') return 'EBUSY'
    return synced(simulation, phase, call)
  }
  const open = async (): Promise<KvBatch> => {
    phase = 'open'
    const kv = await openDirOn(host(disk, onCall), '/', { now: () => 1000 })
    phase = 'run'
    return kv
  }
  let kv = await open()
  for (const step of steps) {
    if (step.kind === 'reopen') {
      await kv.disconnect()
      kv = await open()
    } else if (step.kind === 'full') {
      full = true
      await kv.batch(step.ops).then(
        () => Promise.reject(new Error('a full disk took a value')),
        () => undefined,
      )
      full = false
    } else await execute(kv, step).catch(() => undefined)
    done++
    const found = await contents(kv)
    if (found !== before[done]) throw new Error(`without a crash: found ${found}, expected ${before[done]}`)
  }
  points.push({ disk: disk.kill(), done })
  await kv.disconnect()
  return points
}

async function execute(kv: KvBatch, step: Step): Promise<unknown> {
  if (step.kind === 'together') return Promise.allSettled(step.sets.map(({ key, value }) => kv.set(key, value)))
  if (step.kind === 'partial') return kv.setPartial(step.key, step.offset, step.value)
  if (step.kind !== 'batch') return undefined
  const [op] = step.ops
  if (step.ops.length > 1 || !op) return kv.batch(step.ops)
  if (op.op === 'set') return kv.set(op.key, op.value)
  return op.op === 'remove' ? kv.remove(op.key) : kv.rename(op.source, op.dest)
}

/** Opens after a crash and compares; `again` times, at a random instant of it, the power fails again. */
async function recover(
  simulation: Simulation,
  disk: SimDisk,
  allowed: ReadonlySet<string>,
  again: number,
): Promise<void> {
  const { random, report } = simulation
  const points: SimDisk[] = []
  let phase = 'open'
  const onCall = (call: SimCall): string | undefined => {
    if (again > 0) points.push(disk.kill())
    return synced(simulation, phase, call)
  }
  report.states++
  const kv = await openDirOn(host(disk, onCall), '/', { now: () => 1000 })
  phase = 'run'
  const found = await contents(kv)
  if (!allowed.has(found)) report.bad.push(`found ${JSON.stringify(found)}, allowed ${JSON.stringify([...allowed])}`)
  const left = temporaries(disk)
  if (left.length > 0) report.bad.push(`temporary files are left: ${left}`)
  if (again === 0) return
  for (let i = 0; i < again; i++) {
    const point = points[random(points.length)]!
    await recover(simulation, point.powerLoss(random), allowed, 0)
  }
  await liveOn(simulation, kv, disk, found)
}

/** What was recovered, and what is acknowledged after it, must last. */
async function liveOn(simulation: Simulation, kv: KvBatch, disk: SimDisk, found: string): Promise<void> {
  const { random } = simulation
  const key = ['/after', '/d/after', '/f/g/after', '/a'][random(4)]!
  const expected = await kv.set(key, Uint8Array.of(7)).then(
    () => contents(kv),
    () => found,
  )
  await recover(simulation, disk.powerLoss(random), new Set([expected]), 0)
}

function temporaries(disk: SimDisk): string[] {
  const found: string[] = []
  const look = (path: string, node: SimDisk['root']): void => {
    for (const [name, child] of node.entries) {
      if (name.startsWith('.kv~')) found.push(`${path}/${name}`)
      if (child.kind === 'directory') look(`${path}/${name}`, child)
    }
  }
  look('', disk.root)
  return found
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
  const random = createRandom(seed)
  const report: Report = { states: 0, bad: [], syncs: new Set() }
  const simulation: Simulation = { random, report, omitted }
  const planned = await plan(random, steps)
  const points = await runWorkload(simulation, planned)
  for (const { disk, done } of points) {
    for (let i = 0; i < samples; i++) {
      // A killed process leaves what no power loss can, until the power fails in turn.
      const killed = random(3) === 0
      const crashed = killed ? disk.kill() : disk.powerLoss(random)
      await recover(simulation, crashed, planned.during[done]!, killed ? 3 : random(2))
      if (untilBad && report.bad.length > 0) return report
    }
  }
  return report
}
