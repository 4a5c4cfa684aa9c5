import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDir } from '../src/index.ts'
import { temporaryDirectory } from './places.ts'
import { createRandom } from './sim-fs.ts'

const rounds = 10 * Number(process.env.CRASH_ROUNDS ?? 1)
const random = createRandom(Number(process.env.CRASH_SEED ?? 1))
const program = temporaryDirectory()
const store = temporaryDirectory()

/** The child as one file of JavaScript: Node does not run the sources of the package. */
beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { conditions: ['@fata/source'] },
    ssr: { noExternal: true, resolve: { conditions: ['@fata/source'] } },
    build: {
      ssr: join(import.meta.dirname, 'kill-child.ts'),
      outDir: program.path,
      emptyOutDir: false,
      rollupOptions: { output: { entryFileNames: 'child.mjs' } },
    },
  })
}, 60_000)

afterAll(() => {
  program.remove()
  store.remove()
})

function start(from: number): ChildProcess {
  return fork(join(program.path, 'child.mjs'), [store.path, String(from)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

/** Its store is open. */
async function ready(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('the child ended by itself')))
  await Promise.race([once(child, 'message'), ended])
  ended.catch(() => undefined)
}

describe('kill -9', () => {
  it('tears no batch and loses none that was acknowledged', { timeout: 20_000 * rounds }, async () => {
    let acknowledged = 0
    let last = 0
    let batches = 0
    for (let round = 0; round < rounds; round++) {
      const child = start(last + 1)
      child.on('message', (message) => {
        if (typeof message === 'number') acknowledged = message
      })
      const exit = once(child, 'exit')
      await ready(child)
      await wait(20 + random(250))
      child.kill('SIGKILL')
      await exit
      const kv = await openDir(store.path)
      const found = new Set<number>()
      for (let i = 0; i < 10; i++) found.add(Number(new TextDecoder().decode(await kv.get(`/k${i % 3}/v${i}`))))
      const single = Number(new TextDecoder().decode(await kv.get('/single')))
      const listed = (await kv.list('/')).map(([key]) => key.basename)
      await kv.disconnect()
      expect(found.size, `round ${round}: a torn batch`).toBe(1)
      expect([...found][0]).toBeGreaterThanOrEqual(acknowledged)
      expect(single).toBeGreaterThanOrEqual(acknowledged)
      if (acknowledged > 0) expect(listed).toEqual(['k0', 'k1', 'k2', 'single'])
      batches += [...found][0]! - last
      last = [...found][0]!
    }
    console.log(`kill -9: ${rounds} rounds, ${batches} batches`)
    expect(batches).toBeGreaterThan(0)
  })

  it('is no obstacle to the next writer, though a living one is', { timeout: 60_000 }, async () => {
    const child = start(1_000_000)
    await ready(child)
    await expect(openDir(store.path)).rejects.toMatchObject({ code: 'KV_LOCKED' })
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
    const kv = await openDir(store.path)
    await kv.disconnect()
  })
})
