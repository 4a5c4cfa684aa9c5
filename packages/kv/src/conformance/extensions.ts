import type { KvChange, KvOp } from '../store.ts'
import { bytes, equal, fails, ok } from './assertions.ts'
import { text, texts } from './contents.ts'
import type { FullStore, Section } from './harness.ts'

export const watching: Section = {
  title: 'watch',
  rules: [
    {
      id: 'X1',
      title: 'own writes, in order',
      needs: ['watch', 'remove'],
      content: { '/d/x': 'x', '/d/y': 'y' },
      async run({ kv }) {
        const { next } = watch(kv, '/')
        await kv.set('/v', bytes('1'))
        await kv.setPartial('/v', 1, bytes('2'))
        await kv.rename('/v', '/w')
        await kv.remove('/d')
        await kv.allocate('/z', 1)
        equal(await next(), 'set /v', 'set')
        equal(await next(), 'set /v', 'setPartial')
        equal(await next(), 'remove /v, set /w', 'rename')
        equal(await next(), 'remove /d/x, remove /d/y', 'remove of a dictionary')
        equal(await next(), 'set /z', 'allocate')
      },
    },
    {
      id: 'X2',
      title: 'one event for a batch, of what it comes to',
      needs: ['watch', 'batch', 'remove'],
      content: { '/old': 'old' },
      async run({ kv }) {
        const { next } = watch(kv, '/')
        const set = (key: string): KvOp => ({ op: 'set', key, value: bytes(key) })
        await kv.batch([set('/a'), set('/b'), { op: 'remove', key: '/old' }, set('/a'), { op: 'remove', key: '/b' }])
        await kv.batch([{ op: 'remove', key: '/none' }])
        await kv.set('/end', bytes('end'))
        equal(await next(), 'remove /old, set /a', 'the batch')
        equal(await next(), 'set /end', 'a batch that changes nothing is no event')
      },
    },
    {
      id: 'X3',
      title: 'at and below the prefix only',
      needs: ['watch', 'batch'],
      async run({ kv }) {
        const { next } = watch(kv, '/d')
        for (const key of ['/c', '/dd', '/d/x/y', '/e', '/d/z']) await kv.set(key, bytes(key))
        await kv.batch(['/f', '/d/in', '/g'].map((key): KvOp => ({ op: 'set', key, value: bytes(key) })))
        equal(await next(), 'set /d/x/y', 'first')
        equal(await next(), 'set /d/z', 'second')
        equal(await next(), 'set /d/in', 'the part of a batch')
      },
    },
    {
      id: 'X4',
      title: 'an abort ends the loop, and so does disconnect',
      needs: ['watch'],
      async run({ kv }) {
        const aborted = watch(kv, '/')
        const pending = aborted.next()
        aborted.abort()
        equal(await pending, undefined, 'the pending step')
        equal(await aborted.next(), undefined, 'the step after')
        equal(await watch(kv, '/', AbortSignal.abort()).next(), undefined, 'aborted before')
        const open = watch(kv, '/')
        await kv.set('/v', bytes('1'))
        equal(await open.next(), 'set /v', 'the other loop goes on')
        const last = open.next()
        await kv.disconnect()
        equal(await last, undefined, 'after disconnect')
      },
    },
    {
      id: 'X5',
      title: 'who reads too slowly is told so, and memory stays bounded',
      needs: ['watch', 'batch'],
      timeoutMs: 60_000,
      async run({ kv, options }) {
        const events = watch(kv, '/')
        const size = Math.min(100, kv.capabilities.maxBatchOps)
        const total = options.lagAfter ?? 100_000
        for (let n = 0; n <= total; n += size) {
          await kv.batch(
            Array.from({ length: size }, (_, i): KvOp => ({ op: 'set', key: `/d/${i}`, value: bytes(`${n}`) })),
          )
        }
        await kv.set('/end', bytes('end'))
        let changes = 0
        let lagged = 0
        for (let event = await events.next(); event !== 'set /end'; event = await events.next()) {
          ok(event !== undefined, 'the loop ended')
          if (event === 'lagged') lagged++
          else changes += event.split(', ').length
        }
        ok(lagged >= 1, `no lagged after ${total} unread changes`)
        ok(changes <= total, `${changes} changes were kept`)
      },
    },
  ],
}

export const snapshots: Section = {
  title: 'snapshot',
  rules: [
    {
      id: 'S1',
      title: 'later writes do not show',
      needs: ['snapshot'],
      content: { '/v': 'v', '/d/x': 'x', '/d/y': 'y' },
      async run({ kv, options }) {
        const first = await kv.snapshot()
        await kv.set('/v', bytes('changed'))
        if (!options.supports.remove) {
          equal(await texts(first), ['/d/x=x', '/d/y=y', '/v=v'], 'the snapshot')
          return
        }
        await kv.remove('/d/x')
        const second = await kv.snapshot()
        await kv.remove('/d')
        await kv.set('/new/w', bytes('w'))
        equal(await texts(first), ['/d/x=x', '/d/y=y', '/v=v'], 'the first snapshot')
        equal(await texts(second), ['/d/y=y', '/v=changed'], 'the second snapshot')
        equal(await texts(kv), ['/new/w=w', '/v=changed'], 'the store')
      },
    },
    {
      id: 'S2',
      title: 'disconnecting it leaves the store open',
      needs: ['snapshot'],
      content: { '/v': 'v' },
      async run({ kv }) {
        const snapshot = await kv.snapshot()
        equal('set' in snapshot, false, 'a snapshot can write')
        await snapshot.disconnect()
        await snapshot.disconnect()
        await fails('KV_CLOSED', snapshot.get('/v'))
        equal(text(await kv.get('/v')), 'v', 'get')
      },
    },
  ],
}

/** Starts to watch at once; `next` gives the next event as text, undefined at the end. */
function watch(kv: FullStore, prefix: string, signal?: AbortSignal) {
  const controller = new AbortController()
  const events = kv.watch(prefix, { signal: signal ?? controller.signal })[Symbol.asyncIterator]()
  return {
    abort: () => controller.abort(),
    next: async (): Promise<string | undefined> => {
      const { done, value } = await events.next()
      return done ? undefined : describeEvent(value)
    },
  }
}

function describeEvent(event: KvChange): string {
  return event.type === 'lagged'
    ? 'lagged'
    : event.changes
        .map(({ op, key }) => `${op} ${key}`)
        .sort()
        .join(', ')
}
