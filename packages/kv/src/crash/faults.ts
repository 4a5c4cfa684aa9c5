import { errorCode, type KvErrorCode } from '../codes.ts'
import { equal, ok } from '../conformance/assertions.ts'
import { text } from '../conformance/contents.ts'
import type { KvSuiteOptions } from '../conformance/harness.ts'
import type { KvBatch, KvOp } from '../store.ts'

const SINGLES = ['/s0', '/s1', '/s2']
const BATCH = ['/d/b0', '/d/b1', '/e/b2']
/** Openings that may fail before one has to go well. */
const OPENINGS = 50
const ROUND_MS = 30_000

/** What a process has seen that wrote while its system calls failed now and then. */
export interface FaultReport {
  readonly failedOpenings: number
  /** The code with which write n was rejected, or null: it was acknowledged. */
  readonly outcomes: ReadonlyArray<KvErrorCode | null>
}

export interface FaultOptions extends Pick<KvSuiteOptions, 'describe' | 'it'> {
  /** What fails, in words. */
  readonly name: string
  /** Starts a process in which calls fail, and gives what `commitUnderFaults` told there. Each round has a place of its own. */
  readonly run: (round: number) => Promise<FaultReport>
  /** Opens the store of that round, while nothing fails. */
  readonly connect: (round: number) => Promise<KvBatch>
  /** How often; default 5. */
  readonly rounds?: number
}

/** Write n is a single value, or a batch of three, of the number n. */
function opsOf(n: number): KvOp[] {
  const value = new TextEncoder().encode(String(n))
  const keys = n % 2 === 0 ? BATCH : [SINGLES[((n - 1) / 2) % SINGLES.length]!]
  return keys.map((key) => ({ op: 'set', key, value }))
}

/** Opens the store, as often as it takes, and writes so many times, whatever comes of it. Never rejects but for a broken promise. */
export async function commitUnderFaults(connect: () => Promise<KvBatch>, writes = 40): Promise<FaultReport> {
  let failedOpenings = 0
  let kv: KvBatch | undefined
  while (!kv) {
    kv = await connect().catch((error: unknown) => {
      ok(errorCode(error), `opening rejected with ${String(error)}`)
      if (++failedOpenings >= OPENINGS) throw error
      return undefined
    })
  }
  const outcomes: Array<KvErrorCode | null> = []
  for (let n = 1; n <= writes; n++) {
    const outcome = await kv.batch(opsOf(n)).then(
      () => null,
      (error: unknown) => errorCode(error) ?? String(error),
    )
    outcomes.push(outcome as KvErrorCode | null)
  }
  await kv.disconnect()
  return { failedOpenings, outcomes }
}

/**
 * Registers a test that lets processes write while system calls fail: what was acknowledged is there afterwards, what was
 * rejected is not, unless with KV_OUTCOME_UNKNOWN, and the process has lived through it.
 */
export function survivesFaults(options: FaultOptions): void {
  const { rounds = 5 } = options
  options.describe(options.name, () => {
    options.it(`${rounds} processes lose nothing and invent nothing`, () => runAll(options, rounds), ROUND_MS * rounds)
  })
}

async function runAll({ run, connect }: FaultOptions, rounds: number): Promise<void> {
  let failures = 0
  let acknowledged = 0
  for (let round = 1; round <= rounds; round++) {
    const { failedOpenings, outcomes } = await run(round)
    const rejected = outcomes.filter((outcome) => outcome !== null)
    failures += failedOpenings + rejected.length
    acknowledged += outcomes.length - rejected.length
    for (const code of rejected) {
      ok(code === 'KV_IO' || code === 'KV_OUTCOME_UNKNOWN', `round ${round}: a write was rejected with ${code}`)
    }
    await check(await connect(round), outcomes, `round ${round}`)
  }
  ok(failures > 0, 'no call has failed')
  ok(acknowledged > 0, 'no write went well')
}

async function check(kv: KvBatch, outcomes: FaultReport['outcomes'], when: string): Promise<void> {
  try {
    for (const key of [...SINGLES, ...BATCH]) {
      const seen = text(await kv.get(key))
      ok(allowed(key, outcomes).has(seen), `${when}: ${key} is ${seen}, outcomes ${JSON.stringify(outcomes)}`)
    }
    const batch = new Set(await Promise.all(BATCH.map(async (key) => text(await kv.get(key)))))
    equal(batch.size, 1, `${when}: generations in one batch, ${[...batch]}`)
  } finally {
    await kv.disconnect()
  }
}

/** What may be there: what was acknowledged last, or anything after it of which the outcome is unknown. */
function allowed(key: string, outcomes: FaultReport['outcomes']): Set<string | undefined> {
  let values = new Set<string | undefined>([undefined])
  for (const [i, outcome] of outcomes.entries()) {
    if (!opsOf(i + 1).some((op) => op.op === 'set' && op.key === key)) continue
    if (outcome === null) values = new Set([String(i + 1)])
    if (outcome === 'KV_OUTCOME_UNKNOWN') values.add(String(i + 1))
  }
  return values
}
