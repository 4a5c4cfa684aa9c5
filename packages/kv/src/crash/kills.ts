import { setTimeout as wait } from 'node:timers/promises'
import { errorCode } from '../codes.ts'
import { equal, ok } from '../conformance/assertions.ts'
import { text } from '../conformance/contents.ts'
import type { KvSuiteOptions } from '../conformance/harness.ts'
import { createRandom, type Random } from '../conformance/random.ts'
import type { KvBatch, KvOp } from '../store.ts'

/** As `fork` of `node:child_process` gives it. */
export interface CrashChild {
  on(event: 'message', listener: (message: unknown) => void): unknown
  on(event: 'exit' | 'disconnect', listener: () => void): unknown
  kill(signal: 'SIGKILL'): unknown
}

export interface CrashOptions extends Pick<KvSuiteOptions, 'describe' | 'it'> {
  /** Starts a process that opens the store and calls `commitUntilKilled` with `from`. */
  readonly start: (from: number) => CrashChild
  /** Opens the same store. */
  readonly connect: () => Promise<KvBatch>
  /** How often to kill; default 25. */
  readonly rounds?: number
  readonly seed?: number
  /** How long a process lives once its store is open, in milliseconds; default 5 to 125. */
  readonly lifetime?: readonly [least: number, most: number]
  /** Whether a living process keeps others out, with KV_LOCKED; default true. */
  readonly exclusive?: boolean
}

const KEYS = Array.from({ length: 10 }, (_, i) => `/k${i % 3}/v${i}`)
const SINGLE = '/single'
const VALUE_BYTES = 500
/** For a process that starts on a busy machine, and for a store that recovers. */
const ROUND_MS = 30_000

/** Writes generation after generation: ten values in one batch, then one by itself. Tells the parent which are acknowledged. */
export async function commitUntilKilled(kv: KvBatch, from: number, tell: (message: unknown) => void): Promise<never> {
  tell('ready')
  for (let n = from; ; n++) {
    const value = new TextEncoder().encode(String(n).padEnd(VALUE_BYTES))
    await kv.batch(KEYS.map((key): KvOp => ({ op: 'set', key, value })))
    await kv.set(SINGLE, value)
    tell(n)
  }
}

/**
 * Registers tests that kill a writing process again and again, at any instant: what it was told is written must be there, and
 * every batch whole.
 */
export function survivesKills(options: CrashOptions): void {
  const { rounds = 25, seed = 1 } = options
  options.describe('kill -9', () => {
    options.it(
      `${rounds} times tears no batch and loses none that was acknowledged, seed ${seed}`,
      () => killAgainAndAgain(options, rounds, createRandom(seed)),
      ROUND_MS * (rounds + 1),
    )
    if (options.exclusive === false) return
    options.it('is no obstacle to the next writer, though a living one is', () => killOne(options), ROUND_MS)
  })
}

async function killAgainAndAgain(options: CrashOptions, rounds: number, random: Random): Promise<void> {
  const [least, most] = options.lifetime ?? [5, 125]
  let last: Generations = { batch: 0, single: 0 }
  for (let round = 1; round <= rounds; round++) {
    const child = await started(options, last.batch + 1)
    await wait(least + random(most - least + 1))
    await child.kill()
    const told = child.acknowledged()
    last = await check(await options.connect(), `after kill ${round}`, {
      batch: Math.max(last.batch, told),
      single: Math.max(last.single, told),
    })
  }
  ok(last.batch > 0, 'no batch was ever written')
}

async function killOne(options: CrashOptions): Promise<void> {
  const child = await started(options, 1_000_000)
  const code = await options.connect().then(
    async (kv) => {
      await kv.disconnect()
      return 'it was let in'
    },
    (error: unknown) => errorCode(error),
  )
  await child.kill()
  equal(code, 'KV_LOCKED', 'beside a living writer')
  await (await options.connect()).disconnect()
}

interface Generations {
  readonly batch: number
  readonly single: number
}

interface Started {
  /** The last generation that it has written, by its own account; 0 for none. */
  acknowledged(): number
  kill(): Promise<void>
}

/** Resolves once the store of the process is open. */
async function started({ start }: CrashOptions, from: number): Promise<Started> {
  const child = start(from)
  let acknowledged = 0
  let isReady = (): void => {}
  const ready = new Promise<void>((resolve) => {
    isReady = resolve
  })
  const exit = new Promise<void>((resolve) => void child.on('exit', resolve))
  // What it has told is all read by then.
  const disconnect = new Promise<void>((resolve) => void child.on('disconnect', resolve))
  child.on('message', (message) => (typeof message === 'number' ? (acknowledged = message) : isReady()))
  const ended = exit.then(() => Promise.reject(new Error('the process has ended by itself')))
  ended.catch(() => undefined)
  await Promise.race([ready, ended])
  return {
    acknowledged: () => acknowledged,
    async kill() {
      child.kill('SIGKILL')
      await Promise.all([exit, disconnect])
    },
  }
}

/** What is there: a whole batch, and nothing older than what has been there or was acknowledged. */
async function check(kv: KvBatch, when: string, least: Generations): Promise<Generations> {
  try {
    const found = new Set<number>()
    for (const key of KEYS) found.add(Number(text(await kv.get(key)) ?? 0))
    equal(found.size, 1, `${when}: generations in one batch, ${[...found]}`)
    const [batch = 0] = found
    const single = Number(text(await kv.get(SINGLE)) ?? 0)
    ok(batch >= least.batch, `${when}: batch ${batch}, where ${least.batch} was written`)
    ok(single >= least.single && single <= batch, `${when}: single ${single}, where ${least.single} was written`)
    const listed = (await kv.list('/')).map(([key]) => key.basename).join()
    equal(listed, [...(batch > 0 ? ['k0', 'k1', 'k2'] : []), ...(single > 0 ? ['single'] : [])].join(), `${when}: list`)
    return { batch, single }
  } finally {
    await kv.disconnect()
  }
}
