import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type KvBatch, KvError } from '@fata/kv'
import { openDir } from '@fata/kv-dir'
import { createMem } from '@fata/kv-mem'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openGit } from '../src/index.ts'
import { cannotRun, git, temporaryDirectory } from './real-git.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)

type Fault = 'before' | 'after' | 'none'

/** A store whose `n`th batch fails, before it has happened or after it; every later write fails too, as after a crash. */
function faulty(store: KvBatch, n: number, fault: Fault, code: 'KV_IO' | 'KV_OUTCOME_UNKNOWN'): KvBatch {
  let batches = 0
  return {
    ...methods(store),
    async batch(ops, options) {
      batches++
      if (batches > n || (batches === n && fault === 'before')) throw new KvError(code)
      await store.batch(ops, options)
      if (batches === n && fault === 'after') throw new KvError(code)
    },
  }
}

function methods(store: KvBatch): KvBatch {
  const bound = Object.fromEntries(
    ['exists', 'get', 'list', 'size', 'digest', 'lastModified', 'set', 'remove'].map((name) => {
      return [name, (store as never as Record<string, (...args: unknown[]) => unknown>)[name]!.bind(store)]
    }),
  )
  return { ...(bound as never as KvBatch), capabilities: store.capabilities }
}

describe('a crash at any write of the store below', () => {
  const ROUNDS = 6

  /** Sets ten keys to the number of the round, in a batch that the store below takes in several parts. */
  async function run(store: KvBatch): Promise<number> {
    const kv = await openGit(store)
    let acknowledged = 0
    for (let round = 1; round <= ROUNDS; round++) {
      const ops = Array.from({ length: 10 }, (_, i) => {
        return { op: 'set' as const, key: `/d${i % 3}/v${i}`, value: bytes(`${round} ${i}`) }
      })
      try {
        await kv.batch(ops)
        acknowledged = round
      } catch {
        break
      }
    }
    return acknowledged
  }

  it('leaves the last batch or the one before, whole, and a repository that goes on', async () => {
    let states = 0
    for (const fault of ['before', 'after'] as const) {
      for (let n = 1; ; n++) {
        const store = createMem({ maxBatchOps: 4 })
        const acknowledged = await run(faulty(store, n, fault, fault === 'after' ? 'KV_OUTCOME_UNKNOWN' : 'KV_IO'))
        if (acknowledged === ROUNDS) break
        states++
        const kv = await openGit(store)
        const found = new Set<number>()
        for (let i = 0; i < 10; i++) found.add(Number(text(await kv.get(`/d${i % 3}/v${i}`))?.split(' ')[0] ?? 0))
        expect(found.size, `torn after ${fault} ${n}`).toBe(1)
        const [last] = found
        expect(last === acknowledged || (fault === 'after' && last === acknowledged + 1), `${fault} ${n}`).toBe(true)
        let commits = 0
        for await (const _ of kv.log()) commits++
        expect(commits).toBe(last)
        await kv.set('/after', bytes('works'))
        expect(text(await kv.get('/after'))).toBe('works')
      }
    }
    expect(states).toBeGreaterThan(2 * ROUNDS * 3)
  })
})

describe.skipIf(cannotRun('kill -9 of kv-git over kv-dir'))('kill -9', () => {
  const program = temporaryDirectory()
  const place = temporaryDirectory()

  /** The child as one file of JavaScript: Node does not run the sources of the package. */
  beforeAll(async () => {
    await build({
      configFile: false,
      logLevel: 'error',
      resolve: { conditions: ['@fata/source'] },
      ssr: { noExternal: true, external: ['isomorphic-git'], resolve: { conditions: ['@fata/source'] } },
      build: {
        ssr: join(import.meta.dirname, 'kill-child.ts'),
        outDir: program.path,
        rollupOptions: { output: { entryFileNames: 'child.mjs' } },
      },
    })
  }, 60_000)
  afterAll(() => {
    program.remove()
    place.remove()
  })

  async function ready(child: ChildProcess): Promise<void> {
    const ended = once(child, 'exit').then(() => Promise.reject(new Error('the child ended by itself')))
    await Promise.race([once(child, 'message'), ended])
    ended.catch(() => undefined)
  }

  it('loses no acknowledged commit, and leaves a repository that git finds whole', { timeout: 120_000 }, async () => {
    const path = join(place.path, 'repository.git')
    const rounds = 5 * Number(process.env['CRASH_ROUNDS'] ?? 1)
    let acknowledged = 0
    let last = 0
    for (let round = 0; round < rounds; round++) {
      const child = fork(join(program.path, 'child.mjs'), [path, String(last + 1)], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      })
      child.on('message', (message) => {
        if (typeof message === 'number') acknowledged = message
      })
      const exit = once(child, 'exit')
      await ready(child)
      await wait(50 + 40 * round)
      child.kill('SIGKILL')
      await exit
      const store = await openDir(path)
      const kv = await openGit(store)
      const found = new Set<number>()
      for (let i = 0; i < 10; i++) found.add(Number(text(await kv.get(`/k${i % 3}/v${i}`))))
      await store.disconnect()
      expect(found.size, `round ${round}: a torn batch`).toBe(1)
      last = [...found][0]!
      expect(last).toBeGreaterThanOrEqual(acknowledged)
      expect(git(path, 'fsck', '--strict', '--no-dangling')).toBe('')
      expect(git(path, 'rev-list', '--count', 'main')).toBe(`${last}`)
    }
    console.log(`kill -9: ${rounds} rounds, ${last} commits`)
    expect(last).toBeGreaterThan(0)
  })
})
