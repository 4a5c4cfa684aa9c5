import { prefixed } from '../prefixed.ts'
import type { KvBatch } from '../store.ts'
import { equal } from './assertions.ts'
import { type CommandFeatures, describeStep, outcomeOf, randomStep, type Step } from './commands.ts'
import { contents } from './contents.ts'
import type { KvPlace, KvSuiteOptions, KvSupports } from './harness.ts'
import { createRandom, type Random } from './random.ts'

/** Sequences that share a place, each below a name of its own: opening a store takes long, where it is a real one. */
const TOGETHER = 50
const NOW = 1_700_000_000_000
/** Runs that the search for a shorter sequence may take. */
const SHRINKS = 150

export interface KvSequencesOptions extends Pick<KvSuiteOptions, 'describe' | 'it' | 'create'> {
  readonly supports: Pick<KvSupports, 'remove' | 'batch' | 'reopen'>
  /** An empty store of another kind, which does everything right: `createMem` of `@fata/kv-mem`. */
  readonly model: () => KvBatch
  /** How many sequences; default 1000. */
  readonly sequences?: number
  /** Steps of a sequence; default 12. */
  readonly steps?: number
  /** Of everything random; default 1. */
  readonly seed?: number
  readonly timeoutMs?: number
}

interface Sequence {
  readonly steps: readonly Step[]
  /** Where in it the store is connected anew; -1 for nowhere. */
  readonly reconnectAt: number
}

/**
 * Registers one test: random sequences of calls have the same outcome in this store as in the model, call by call, and
 * leave the same behind. The shortest sequence that was found to differ is in the error, with its seed.
 */
export function sequences(options: KvSequencesOptions): void {
  const { sequences: count = 1000, seed = 1 } = options
  options.describe('random sequences', () => {
    options.it(
      `${count} of them come to the same as in the model, seed ${seed}`,
      () => runAll(options, count, seed),
      options.timeoutMs ?? 300_000,
    )
  })
}

async function runAll(options: KvSequencesOptions, count: number, seed: number): Promise<void> {
  for (let from = 0; from < count; from += TOGETHER) {
    const place = await open(options)
    try {
      for (let number = from; number < Math.min(count, from + TOGETHER); number++) {
        const sequence = randomSequence(createRandom(seed * 1_000_003 + number), options)
        const error = await compare(options, place, `s${number}`, sequence)
        if (error) throw await explained(options, sequence, error, `sequence ${number} of seed ${seed}`)
      }
    } finally {
      await place.close()
    }
  }
}

function randomSequence(random: Random, { steps = 12, supports }: KvSequencesOptions): Sequence {
  const features: CommandFeatures = supports
  const length = 1 + random(steps)
  const reconnectAt = supports.reopen && random(8) === 0 ? random(length) : -1
  return { steps: Array.from({ length }, () => randomStep(random, features)), reconnectAt }
}

interface OpenPlace {
  kv: KvBatch
  reconnect(): Promise<void>
  close(): Promise<void>
}

async function open({ create }: KvSequencesOptions): Promise<OpenPlace> {
  const place: KvPlace = await create({ now: () => NOW, content: new Map() })
  const opened: OpenPlace = {
    kv: (await place.connect()) as KvBatch,
    async reconnect() {
      await opened.kv.disconnect()
      opened.kv = (await place.connect()) as KvBatch
    },
    async close() {
      await opened.kv.disconnect()
      await place.dispose?.()
    },
  }
  return opened
}

/** Runs the sequence below the name, on the store and on a model; how they differ. */
async function compare(
  { model: createModel }: KvSequencesOptions,
  place: OpenPlace,
  name: string,
  { steps, reconnectAt }: Sequence,
): Promise<Error | undefined> {
  const model = prefixed(createModel(), name)
  let kv = prefixed(place.kv, name)
  const { digest } = model.capabilities
  try {
    for (const [i, step] of steps.entries()) {
      if (i === reconnectAt) {
        await place.reconnect()
        kv = prefixed(place.kv, name)
      }
      const expected = await Promise.all(step.map((command) => outcomeOf(model, command, digest)))
      const found = await Promise.all(step.map((command) => outcomeOf(kv, command, digest)))
      for (const [n, command] of step.entries()) equal(found[n], expected[n], describeStep([command]))
    }
    equal([...(await contents(kv))], [...(await contents(model))], 'contents at the end')
    return undefined
  } catch (error) {
    return error as Error
  }
}

/** The error with the shortest sequence that still differs, on places of its own. */
async function explained(
  options: KvSequencesOptions,
  whole: Sequence,
  firstError: Error,
  name: string,
): Promise<Error> {
  let shortest = whole
  let error = firstError
  let runs = 0
  for (let at = whole.steps.length - 1; at >= 0 && runs < SHRINKS; at--) {
    for (const steps of shorter(shortest.steps, at)) {
      runs++
      const place = await open(options)
      const still = await compare(options, place, 's', { ...shortest, steps })
      await place.close()
      if (!still) continue
      shortest = { ...shortest, steps }
      error = still
      break
    }
  }
  const told = shortest.steps.map(
    (step, i) => `  ${i === shortest.reconnectAt ? 'reconnect; ' : ''}${describeStep(step)}`,
  )
  return new Error(`${name}: ${error.message}\n${told.join('\n')}`, { cause: error })
}

/** The steps without the one, and with one call of it less. */
function shorter(steps: readonly Step[], at: number): Step[][] {
  const step = steps[at]
  if (!step) return []
  const less = step.map((_, i) => steps.with(at, step.toSpliced(i, 1)))
  return [[...steps.slice(0, at), ...steps.slice(at + 1)], ...(step.length > 1 ? less : [])]
}
