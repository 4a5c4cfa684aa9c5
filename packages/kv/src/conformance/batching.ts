import { errorCode } from '../codes.ts'
import type { KvOp } from '../store.ts'
import { transact } from '../transact.ts'
import { bytes, during, equal, fails, ok, rejection } from './assertions.ts'
import { contents, text, texts } from './contents.ts'
import type { FullStore, Rule, Section, Trial } from './harness.ts'
import { applyToModel, type Model, randomBatch } from './model.ts'
import { pick } from './random.ts'

const all = ['batch', 'remove'] as const
/** Up to so many operations a full batch is tried with as many keys. */
const MANY_OPS = 5000

export const batching: Section = {
  title: 'batch',
  rules: [
    {
      id: 'B1',
      title: 'an empty batch resolves',
      needs: ['batch'],
      content: { '/v': 'v' },
      async run({ kv }) {
        await kv.batch([])
        equal(await texts(kv), ['/v=v'], 'contents')
      },
    },
    {
      id: 'B2',
      title: 'set, remove and rename in order',
      needs: all,
      content: { '/old': 'old', '/d/x': 'x' },
      async run({ kv }) {
        await kv.batch([
          { op: 'set', key: '/new', value: bytes('new') },
          { op: 'rename', source: '/new', dest: '/d/moved' },
          { op: 'remove', key: '/old' },
          { op: 'rename', source: '/d', dest: '/old' },
        ])
        equal(await texts(kv), ['/old/moved=new', '/old/x=x'], 'contents')
      },
    },
    {
      id: 'B3',
      title: 'of two sets of one key the last wins',
      needs: ['batch'],
      async run({ kv }) {
        const set = (value: string): KvOp => ({ op: 'set', key: '/v', value: bytes(value) })
        await kv.batch([set('first'), set('second'), set('last')])
        equal(await texts(kv), ['/v=last'], 'contents')
      },
    },
    {
      id: 'B4',
      title: 'what the batch frees, the batch can use',
      needs: all,
      content: { '/v': 'v', '/d/x/y': 'y' },
      async run({ kv }) {
        await kv.batch([
          { op: 'remove', key: '/v' },
          { op: 'set', key: '/v/below', value: bytes('below') },
          { op: 'remove', key: '/d/x/y' },
          { op: 'set', key: '/d', value: bytes('value') },
        ])
        equal(await texts(kv), ['/d=value', '/v/below=below'], 'contents')
      },
    },
    {
      id: 'B5',
      title: 'one bad operation, and nothing happens',
      needs: ['batch'],
      content: { '/v': 'v', '/d/x': 'x' },
      async run({ kv, options }) {
        const good: KvOp[] = [
          { op: 'set', key: '/v', value: bytes('changed') },
          { op: 'set', key: '/new', value: bytes('new') },
        ]
        const bad: Array<[string, KvOp]> = [
          ['KV_DICTIONARY_EXPECTED', { op: 'set', key: '/v/below', value: bytes('x') }],
          ['KV_VALUE_EXPECTED', { op: 'set', key: '/', value: bytes('x') }],
          ['KV_KEY_INVALID', { op: 'set', key: '/a/../b', value: bytes('x') }],
        ]
        if (options.supports.remove) {
          good.push({ op: 'remove', key: '/d' })
          bad.push(['KV_NOT_FOUND', { op: 'rename', source: '/none', dest: '/x' }])
        }
        const { maxValueBytes } = kv.capabilities
        if (maxValueBytes < 2 ** 26) {
          bad.push(['KV_TOO_LARGE', { op: 'set', key: '/large', value: new Uint8Array(maxValueBytes + 1) }])
        }
        for (const [code, op] of bad) {
          for (const ops of [
            [...good, op],
            [op, ...good],
          ]) {
            equal(errorCode(await rejection(kv.batch(ops), code)), code, 'the code')
            equal(await texts(kv), ['/d/x=x', '/v=v'], `contents after ${code}`)
          }
        }
      },
    },
    {
      id: 'B6',
      title: 'random batches come to what the model says',
      needs: ['batch'],
      timeoutMs: 120_000,
      async run({ kv, random, rounds, options }) {
        let model: Model = new Map()
        for (let round = rounds(1000); round > 0; round--) {
          const ops = randomBatch(random, options.supports.remove)
          const after = applyToModel(model, ops)
          const code = await kv.batch(ops).then(() => undefined, errorCode)
          const told = ops.map((op) => JSON.stringify(op)).join(' ')
          if (typeof after === 'string') equal(code, after, told)
          else {
            equal(code, undefined, told)
            model = after
          }
          equal(sorted(await contents(kv)), sorted(model), `contents after ${told}`)
        }
      },
    },
    visibility(),
    checks(),
    {
      id: 'B9',
      title: 'concurrent transactions lose no update',
      needs: ['batch'],
      timeoutMs: 120_000,
      async run({ kv, rounds }) {
        const each = rounds(100)
        const worker = async (): Promise<void> => {
          for (let i = 0; i < each; i++) {
            await transact(
              kv,
              async (tx) => tx.set('/counter', bytes(String(Number(text(await tx.get('/counter')) ?? 0) + 1))),
              { retries: 1000 },
            )
          }
        }
        await Promise.all(Array.from({ length: 8 }, worker))
        equal(text(await kv.get('/counter')), String(8 * each), 'counter')
      },
    },
    {
      id: 'B10',
      title: 'as many operations as the limit says, and not one more',
      needs: ['batch'],
      timeoutMs: 60_000,
      async run({ kv }) {
        const { maxBatchOps, maxBatchBytes } = kv.capabilities
        if (maxBatchOps <= 1_000_000) {
          const distinct = maxBatchOps <= MANY_OPS
          const set = (i: number): KvOp => ({ op: 'set', key: distinct ? `/d/${i}` : '/d/0', value: bytes(`${i}`) })
          const ops = Array.from({ length: maxBatchOps }, (_, i) => set(i))
          const error = await fails('KV_TOO_LARGE', kv.batch([...ops, set(maxBatchOps)]))
          equal((error as { limit?: number }).limit, maxBatchOps, 'the limit in the error')
          equal(await texts(kv), [], 'contents')
          await kv.batch(ops)
          equal((await kv.list('/d')).length, distinct ? maxBatchOps : 1, 'values')
        }
        if (maxBatchBytes > 2 ** 26) return
        const half = new Uint8Array(Math.floor(maxBatchBytes / 2) + 1)
        const halves: KvOp[] = ['/half1', '/half2'].map((key) => ({ op: 'set', key, value: half }))
        equal(errorCode(await rejection(kv.batch(halves), 'too many bytes')), 'KV_TOO_LARGE', 'bytes of a batch')
        equal(await kv.exists('/half1'), undefined, 'nothing of it was applied')
      },
    },
    {
      id: 'B11',
      title: 'a dictionary of 200 values moves as a whole, or not at all',
      needs: all,
      content: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`/d/${i % 7}/${i}`, `${i}`])),
      async run({ kv }) {
        const before = await texts(kv)
        const code = await kv.rename('/d', '/e').then(() => undefined, errorCode)
        ok(code === undefined || code === 'KV_TOO_LARGE', `rejected with ${code}`)
        const after = code ? before : before.map((line) => line.replace('/d/', '/e/'))
        equal(await texts(kv), after, 'contents')
        const dictionary = code ? '/d' : '/e'
        const refused = await kv.remove(dictionary).then(() => undefined, errorCode)
        ok(refused === undefined || refused === 'KV_TOO_LARGE', `remove rejected with ${refused}`)
        equal(await texts(kv), refused ? after : [], 'contents after the removal')
      },
    },
    {
      id: 'B12',
      title: 'an abort before the commit undoes all, after it nothing',
      needs: ['batch'],
      async run({ kv, rounds }) {
        for (let round = 1; round <= rounds(20); round++) {
          const controller = new AbortController()
          const ops = ['/a', '/b'].map((key): KvOp => ({ op: 'set', key, value: bytes(`${round}`) }))
          const before = await texts(kv)
          const batch = kv.batch(ops, { signal: controller.signal }).then(
            () => undefined,
            (error: unknown) => ({ error }),
          )
          for (let turn = round % 5; turn > 0; turn--) await Promise.resolve()
          controller.abort('stop')
          const outcome = await batch
          if (outcome) equal(outcome.error, 'stop', 'the reason')
          equal(await texts(kv), outcome ? before : [`/a=${round}`, `/b=${round}`], 'contents')
        }
        const late = new AbortController()
        await kv.batch([{ op: 'set', key: '/a', value: bytes('late') }], { signal: late.signal })
        late.abort('late')
        equal(text(await kv.get('/a')), 'late', 'aborted after it resolved')
      },
    },
  ],
}

function sorted(model: Model): string[] {
  return [...model].map(([path, value]) => `${path}=${value.join(' ')}`).sort()
}

function visibility(): Rule {
  const keys = Array.from({ length: 10 }, (_, i) => `/gen/${i % 3}/k${i}`)
  const write = (kv: FullStore, n: number) => kv.batch(keys.map((key) => ({ op: 'set', key, value: bytes(String(n)) })))
  return {
    id: 'B7',
    title: 'a reader beside it sees all of a batch or nothing',
    needs: ['batch'],
    timeoutMs: 120_000,
    async run({ kv, random, rounds }: Trial) {
      await write(kv, 0)
      for (let n = 1; n <= rounds(100); n++) {
        let newest = n - 1
        const look = async (): Promise<void> => {
          for (let i = 0; i < keys.length; i++) {
            const key = pick(random, keys)
            const seen = Number(text(await kv.get(key)))
            ok(seen >= newest, `${key} is still of batch ${seen} after another key was seen of batch ${newest}`)
            newest = seen
          }
        }
        await during(write(kv, n), look)
        await look()
        equal(newest, n, 'the batch that was read at the end')
      }
    },
  }
}

function checks(): Rule {
  return {
    id: 'B8',
    title: 'checks hold, or nothing happens',
    needs: ['batch'],
    content: { '/v': 'v', '/d/x': 'x' },
    async run({ kv }) {
      const digest = await kv.digest('/v')
      const wrong = await kv.digest('/d/x')
      const set = (value: string): KvOp[] => [{ op: 'set', key: '/out', value: bytes(value) }]
      await kv.batch(set('1'), {
        checks: [
          { key: '/v', digest },
          { key: '/none', digest: null },
          { key: '/v/below', digest: null },
        ],
      })
      equal(text(await kv.get('/out')), '1', 'checks that hold')
      const broken = [
        { key: '/v', digest: wrong },
        { key: '/v', digest: null },
        { key: '/none', digest },
        { key: '/d', digest: null },
        { key: '/d', digest },
      ]
      for (const check of broken) {
        await fails('KV_CHECK_FAILED', kv.batch(set('2'), { checks: [{ key: '/v', digest }, check] }), check.key)
        await fails('KV_CHECK_FAILED', kv.batch([], { checks: [check] }), check.key)
        equal(text(await kv.get('/out')), '1', 'a check that does not hold')
      }
      const before = kv.set('/v', bytes('new'))
      const late = fails('KV_CHECK_FAILED', kv.batch(set('3'), { checks: [{ key: '/v', digest }] }), '/v')
      await Promise.all([before, late])
      equal(text(await kv.get('/out')), '1', 'a check of what a write before it has changed')
    },
  }
}
