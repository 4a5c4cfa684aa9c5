import { errorCode } from '../codes.ts'
import { readOnly } from '../read-only.ts'
import type { KvRo } from '../store.ts'
import { bytes, equal, fails, ok, rejection } from './assertions.ts'
import { text, texts } from './contents.ts'
import type { FullStore, KvSuiteOptions, Section } from './harness.ts'

const SECRET = 'bytes of a value'
const WRITES = ['set', 'setPartial', 'remove', 'rename', 'allocate', 'batch'] as const

export const lifecycle: Section = {
  title: 'life of a store',
  rules: [
    {
      id: 'C1',
      title: 'disconnect twice, also by asyncDispose',
      async run({ kv }) {
        await Promise.all([kv.disconnect(), kv.disconnect()])
        await kv.disconnect()
        await kv[Symbol.asyncDispose]()
      },
    },
    {
      id: 'C2',
      title: 'every call after disconnect rejects with KV_CLOSED',
      content: { '/v': 'v' },
      async run({ kv, options }) {
        await kv.disconnect()
        for (const [name, call] of calls(kv, options, undefined)) {
          equal(errorCode(await rejection(call(), name)), 'KV_CLOSED', name)
        }
        if (!options.supports.watch) return
        const events = kv.watch('/', { signal: new AbortController().signal })[Symbol.asyncIterator]()
        await fails('KV_CLOSED', events.next())
      },
    },
    {
      id: 'C3',
      title: 'disconnect waits for the writes under way',
      needs: ['write'],
      async run({ kv }) {
        let settled = 0
        const writes = Array.from({ length: 20 }, (_, i) =>
          kv.set(`/d/${i}`, bytes('x')).finally(() => {
            settled++
          }),
        )
        await kv.disconnect()
        equal(settled, 20, 'writes settled when disconnect resolved')
        await Promise.all(writes)
      },
    },
    {
      id: 'C4',
      title: 'connecting again finds everything',
      needs: ['reopen'],
      content: { '/v': 'v', '/d/e/f': 'f', '/empty': '' },
      async run({ kv, options, reconnect }) {
        const write = options.supports.write
        if (write) await kv.set('/v', bytes('changed'))
        equal(await texts(await reconnect()), ['/d/e/f=f', '/empty=', `/v=${write ? 'changed' : 'v'}`], 'contents')
      },
    },
    {
      id: 'C5',
      title: 'a second writer is refused with KV_LOCKED, until the first disconnects',
      needs: ['exclusive'],
      content: { '/v': 'v' },
      async run({ kv, connect }) {
        await fails('KV_LOCKED', connect())
        await kv.set('/v', bytes('still works'))
        await kv.disconnect()
        equal(text(await (await connect()).get('/v')), 'still works', 'the next writer')
      },
    },
    {
      id: 'C6',
      title: 'where no store can be, connecting rejects with KV_IO and keeps no handle',
      needs: ['badPlaces'],
      async run({ options }) {
        const before = options.openHandles?.()
        for (const { name, connect } of options.badPlaces ?? []) {
          const error = await rejection(connect(), name)
          equal(errorCode(error), 'KV_IO', name)
        }
        equal(options.openHandles?.(), before, 'open handles')
      },
    },
    {
      id: 'C7',
      title: 'of a hundred sets without waiting the last one wins',
      needs: ['write'],
      async run({ kv }) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => kv.set('/v', bytes(`${i}`))))
        equal(text(await kv.get('/v')), '99', 'get')
        if (!kv.capabilities.appendOnly) {
          await Promise.all([
            kv.set('/v', bytes('x')),
            kv.remove('/v'),
            kv.set('/v/w', bytes('y')),
            kv.rename('/v/w', '/z'),
          ])
          equal(await texts(kv), ['/z=y'], 'contents')
        }
      },
    },
    {
      id: 'C8',
      title: 'a read-only view has no way to write',
      content: { '/v': 'v' },
      async run({ kv }) {
        const view = readOnly(kv) as unknown as Record<string, unknown>
        for (const name of WRITES) equal(view[name], undefined, `readOnly(store).${name}`)
        equal(text(await (view as unknown as KvRo).get('/v')), 'v', 'get')
        await (view as unknown as KvRo).disconnect()
        equal(text(await kv.get('/v')), 'v', 'the store is open still')
      },
    },
    {
      id: 'C9',
      title: 'errors have code, key and cause, and no bytes of a value',
      content: { '/v': SECRET, '/d/x': 'x' },
      async run({ kv, options }) {
        const errors = [
          await fails('KV_NOT_FOUND', kv.size('/none'), '/none'),
          await fails('KV_VALUE_EXPECTED', kv.get('/d'), '/d'),
          await fails('KV_DICTIONARY_EXPECTED', kv.list('/v'), '/v'),
          await fails('KV_RANGE', kv.getPartial('/v', -1, 1), '/v'),
        ]
        if (options.supports.write) {
          errors.push(await fails('KV_DICTIONARY_EXPECTED', kv.set('/v/w', bytes(SECRET)), '/v/w'))
          errors.push(await fails('KV_ALREADY_PRESENT', kv.allocate('/v', 1), '/v'))
          const misuse = await rejection(kv.set('/v', SECRET as unknown as Uint8Array), 'a string as a value')
          ok(misuse instanceof TypeError, 'a string as a value is no TypeError')
          errors.push(misuse)
        }
        for (const error of errors) ok(!`${error.message}${error.stack}`.includes(SECRET), 'a message quotes a value')
        for (const { name, connect } of options.badPlaces ?? []) {
          const error = (await rejection(connect(), name)) as Error
          ok(error.cause instanceof Error, `no cause: ${name}`)
        }
      },
    },
    {
      id: 'C10',
      title: 'with an aborted signal every call rejects with its reason',
      content: { '/v': 'v', '/d/x': 'x' },
      async run({ kv, options }) {
        const reason = new Error('enough')
        for (const [name, call] of calls(kv, options, AbortSignal.abort(reason))) {
          ok((await rejection(call(), name)) === reason, `${name} rejected with something else`)
        }
        equal(await texts(kv), ['/d/x=x', '/v=v'], 'contents')
      },
    },
  ],
}

/** Every method that takes a signal, called so that it would succeed. */
function calls(kv: FullStore, { supports }: KvSuiteOptions, signal: AbortSignal | undefined) {
  const o = { signal }
  const list: Array<readonly [string, () => Promise<unknown>]> = [
    ['exists', () => kv.exists('/v', o)],
    ['get', () => kv.get('/v', o)],
    ['getPartial', () => kv.getPartial('/v', 0, 1, o)],
    ['list', () => kv.list('/', o)],
    ['size', () => kv.size('/v', o)],
    ['lastModified', () => kv.lastModified('/v', o)],
    ['digest', () => kv.digest('/v', o)],
  ]
  if (supports.write) {
    list.push(['set', () => kv.set('/new', bytes('x'), o)], ['setPartial', () => kv.setPartial('/v', 0, bytes('x'), o)])
    list.push(['allocate', () => kv.allocate('/new', 1, o)])
  }
  if (supports.remove) list.push(['remove', () => kv.remove('/v', o)], ['rename', () => kv.rename('/v', '/w', o)])
  if (supports.batch) list.push(['batch', () => kv.batch([{ op: 'set', key: '/new', value: bytes('x') }], o)])
  if (supports.snapshot && !signal) list.push(['snapshot', () => kv.snapshot()])
  return list
}
