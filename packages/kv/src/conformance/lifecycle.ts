import { errorCode } from '../codes.ts'
import { readOnly } from '../read-only.ts'
import type { KvOp, KvRo } from '../store.ts'
import { type KvTransaction, transact } from '../transact.ts'
import { bytes, equal, fails, ok, rejection } from './assertions.ts'
import { text, texts } from './contents.ts'
import type { FullStore, KvSuiteOptions, Rule, Section } from './harness.ts'

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
      title: 'writes without waiting take effect in the order of the calls',
      needs: ['write'],
      async run({ kv, options }) {
        await Promise.all(Array.from({ length: 100 }, (_, i) => kv.set('/v', bytes(`${i}`))))
        equal(text(await kv.get('/v')), '99', 'get')
        await Promise.all([
          kv.set('/w', bytes('a')),
          kv.setPartial('/w', 1, bytes('bc')),
          kv.allocate('/u', 1),
          kv.setPartial('/u', 0, bytes('!')),
          ...(options.supports.batch ? [kv.batch([{ op: 'set', key: '/u', value: bytes('!') }])] : []),
          kv.setPartial('/u', 1, bytes('?')),
          kv.set('/u', bytes('last')),
        ])
        equal(await texts(kv), ['/u=last', '/v=99', '/w=abc'], 'contents')
        if (!kv.capabilities.appendOnly) {
          await Promise.all([
            kv.set('/v', bytes('x')),
            kv.remove('/v'),
            kv.set('/v/w', bytes('y')),
            kv.rename('/v/w', '/z'),
          ])
          equal(await texts(kv), ['/u=last', '/w=abc', '/z=y'], 'contents')
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
    {
      id: 'C11',
      title: 'misuse rejects with TypeError, and never throws',
      content: { '/v': 'v' },
      async run({ kv, options }) {
        for (const [name, call] of misuses(kv, options)) {
          const operation = call()
          const error = await rejection(operation, name)
          ok(error instanceof TypeError, `${name}: ${String(error)}`)
        }
        equal(await texts(kv), ['/v=v'], 'contents')
      },
    },
    shared(),
  ],
}

/** For stores that several may write at one time. */
function shared(): Rule {
  return {
    id: 'C12',
    title: 'two connections to one place see what the other has written',
    needs: ['write', 'reopen'],
    lacks: 'exclusive',
    content: { '/v': 'v' },
    async run({ kv, options, connect, rounds }) {
      const other = await connect()
      await kv.set('/v', bytes('one'))
      equal(text(await other.get('/v')), 'one', 'after a set')
      const digest = await other.digest('/v')
      await other.set('/d/x', bytes('two'))
      equal(await texts(kv), ['/d/x=two', '/v=one'], 'contents')
      if (!options.supports.batch) return
      await kv.set('/v', bytes('three'))
      const late = other.batch([{ op: 'set', key: '/late', value: bytes('x') }], { checks: [{ key: '/v', digest }] })
      await fails('KV_CHECK_FAILED', late, '/v')
      const count = async (tx: KvTransaction): Promise<void> =>
        tx.set('/counter', bytes(String(Number(text(await tx.get('/counter')) ?? 0) + 1)))
      const worker = async (kv: FullStore): Promise<void> => {
        for (let i = rounds(20); i > 0; i--) await transact(kv, count, { retries: 1000 })
      }
      await Promise.all([kv, other, kv, other].map(worker))
      equal(text(await other.get('/counter')), String(4 * rounds(20)), 'counter')
    },
  }
}

/** Calls with arguments that no type allows. */
function misuses(kv: FullStore, { supports }: KvSuiteOptions): Array<readonly [string, () => Promise<unknown>]> {
  const none = undefined as unknown as string
  const number = 7 as unknown as string
  const noBytes = 'text' as unknown as Uint8Array
  const list: Array<readonly [string, () => Promise<unknown>]> = [
    ['get of undefined', () => kv.get(none)],
    ['exists of a number', () => kv.exists(number)],
    ['list of undefined', () => kv.list(none)],
    ['size of a number', () => kv.size(number)],
    ['digest of undefined', () => kv.digest(none)],
  ]
  if (supports.write) {
    list.push(['set of undefined', () => kv.set(none, bytes('x'))], ['set to text', () => kv.set('/v', noBytes)])
    list.push(['setPartial with text', () => kv.setPartial('/v', 0, noBytes)])
  }
  if (supports.remove) {
    list.push(['remove of a number', () => kv.remove(number)])
    list.push(['rename to undefined', () => kv.rename('/v', none)])
  }
  if (supports.batch) {
    list.push(['batch that sets text', () => kv.batch([{ op: 'set', key: '/v', value: noBytes }])])
    list.push(['batch of what is no operation', () => kv.batch([{ op: 'swap', key: '/v' } as unknown as KvOp])])
  }
  return list
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
