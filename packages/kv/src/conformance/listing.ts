import type { KvOp } from '../store.ts'
import { bytes, during, equal, fails, ok, pattern } from './assertions.ts'
import { names } from './contents.ts'
import type { Section } from './harness.ts'

const MANY = 2000
const manyNames = Array.from({ length: MANY }, (_, i) => `/many/${String(i).padStart(5, '0')}`)

export const listing: Section = {
  title: 'list',
  rules: [
    {
      id: 'L1',
      title: 'absolute keys, in order, each once, with their kinds',
      content: { '/b/z': '1', '/b/a': '2', '/b/m/x': '3', '/b/m/y': '4', '/c': '5' },
      async run({ kv }) {
        equal(await names(kv), ['/b/', '/c'], 'list /')
        equal(await names(kv, '/b'), ['/b/a', '/b/m/', '/b/z'], 'list /b')
      },
    },
    {
      id: 'L2',
      title: 'one level only',
      content: { '/a/b/c/d': '1' },
      async run({ kv }) {
        equal(await names(kv), ['/a/'], 'list /')
        equal(await names(kv, '/a'), ['/a/b/'], 'list /a')
      },
    },
    {
      id: 'L3',
      title: 'pages put together are the whole list',
      content: Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`/p/${i % 2 ? `v${i}` : `d${i}/x`}`, `${i}`])),
      async run({ kv }) {
        const whole = await kv.list('/p')
        equal(whole.length, 25, 'children')
        for (const limit of [1, 3, 25, 100]) {
          const pages = []
          for (let after: string | undefined; ; ) {
            const page = await kv.list('/p', { limit, after })
            if (page.length === 0) break
            ok(page.length <= limit, `a page of ${page.length} with limit ${limit}`)
            pages.push(...page)
            after = page.at(-1)?.[0].basename
          }
          equal(pages.map(String), whole.map(String), `pages of ${limit}`)
        }
        equal(await kv.list('/p', { limit: 0 }), [], 'limit 0')
        equal((await kv.list('/p', { after: 'd99' })).length, 12, 'after a name that is not there')
        for (const limit of [-1, 0.5, Number.NaN]) await fails('KV_RANGE', kv.list('/p', { limit }), '/p')
      },
    },
    {
      id: 'L4',
      title: `${MANY} children`,
      timeoutMs: 60_000,
      content: Object.fromEntries(manyNames.map((name) => [name, name])),
      run: async ({ kv }) => equal(await names(kv, '/many'), manyNames, 'list'),
    },
    {
      id: 'L5',
      title: 'nothing of the store itself is ever listed',
      needs: ['write'],
      async run({ kv, options, connect }) {
        const wanted = new Set(Array.from({ length: 40 }, (_, i) => `/d/${i}`))
        const writes = [...wanted].map((name, i) => kv.set(name, pattern(20_000, i)))
        await during(Promise.all(writes), async () => {
          for (const name of await names(kv)) equal(name, '/d/', 'listed in /')
          const found = await kv.list('/d').catch(() => [])
          for (const [key, kind] of found) ok(kind === 'value' && wanted.has(key.toString()), `listed ${kind} ${key}`)
        })
        equal((await names(kv, '/d')).length, wanted.size, 'children at the end')
        if (!options.supports.reopen) return
        await kv.disconnect()
        equal(await names(await connect()), ['/d/'], 'listed after a reconnection')
      },
    },
    {
      id: 'L6',
      title: 'during a batch the list is that of before or of after',
      needs: ['batch'],
      content: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`/d/old${i}`, 'x'])),
      async run({ kv, rounds, options }) {
        for (let round = rounds(20); round > 0; round--) {
          const before = await names(kv, '/d')
          const added = Array.from({ length: 10 }, (_, i) => `/d/round${round}-${i}`)
          const removed = options.supports.remove ? before : []
          const after = [...before.filter((name) => !removed.includes(name)), ...added].sort()
          const ops = [
            ...removed.map((key): KvOp => ({ op: 'remove', key })),
            ...added.map((key): KvOp => ({ op: 'set', key, value: bytes('x') })),
          ]
          await during(kv.batch(ops), async () => {
            const seen = (await names(kv, '/d')).join()
            ok(seen === before.join() || seen === after.join(), `a mixture was listed: ${seen}`)
          })
          equal(await names(kv, '/d'), after, 'list at the end')
        }
      },
    },
  ],
}
