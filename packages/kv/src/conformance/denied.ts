import { errorCode } from '../codes.ts'
import type { KvOp } from '../store.ts'
import { bytes, equal, ok, rejection } from './assertions.ts'
import { texts } from './contents.ts'
import type { FullStore, Section } from './harness.ts'

const CONTENT = { '/v': 'v', '/d/x': 'x' }

/** What a store denies it must refuse: half of a feature is worse than none. */
export const denied: Section = {
  title: 'what is not supported',
  rules: [
    {
      id: 'D1',
      title: 'no write: the methods are missing, or reject with KV_NOT_SUPPORTED',
      lacks: 'write',
      content: CONTENT,
      async run({ kv }) {
        await refuses(kv, 'set', () => kv.set('/v', bytes('x')))
        await refuses(kv, 'setPartial', () => kv.setPartial('/v', 0, bytes('x')))
        await refuses(kv, 'allocate', () => kv.allocate('/new', 1))
        await refuses(kv, 'remove', () => kv.remove('/v'))
        await refuses(kv, 'rename', () => kv.rename('/v', '/w'))
        equal(await texts(kv), ['/d/x=x', '/v=v'], 'contents')
      },
    },
    {
      id: 'D2',
      title: 'no remove: the capability says so, and remove and rename reject',
      lacks: 'remove',
      content: CONTENT,
      async run({ kv, options }) {
        if (options.supports.write) equal(kv.capabilities.appendOnly, true, 'capabilities.appendOnly')
        await refuses(kv, 'remove', () => kv.remove('/v'))
        await refuses(kv, 'rename', () => kv.rename('/v', '/w'))
        if (options.supports.batch) {
          const set: KvOp = { op: 'set', key: '/new', value: bytes('new') }
          await refuses(kv, 'batch', () => kv.batch([set, { op: 'remove', key: '/v' }]))
          await refuses(kv, 'batch', () => kv.batch([{ op: 'rename', source: '/v', dest: '/w' }, set]))
        }
        equal(await texts(kv), ['/d/x=x', '/v=v'], 'contents')
      },
    },
    {
      id: 'D3',
      title: 'no batch: there is no such method',
      lacks: 'batch',
      run: async ({ kv }) => missing(kv, 'batch'),
    },
    {
      id: 'D4',
      title: 'no watch: there is no such method',
      lacks: 'watch',
      run: async ({ kv }) => missing(kv, 'watch'),
    },
    {
      id: 'D5',
      title: 'no snapshot: there is no such method',
      lacks: 'snapshot',
      run: async ({ kv }) => missing(kv, 'snapshot'),
    },
    {
      id: 'D6',
      title: 'no reopen: connecting again finds an empty store',
      lacks: 'reopen',
      content: CONTENT,
      run: async ({ reconnect }) => equal(await texts(await reconnect()), [], 'contents'),
    },
    {
      id: 'D7',
      title: 'not exclusive: a second connection is not refused',
      lacks: 'exclusive',
      async run({ connect }) {
        const second = await connect()
        equal(await second.exists('/'), 'dictionary', 'exists')
      },
    },
  ],
}

function missing(kv: FullStore, method: string): void {
  ok(!(method in kv), `supports denies ${method}, the store has it`)
}

async function refuses(kv: FullStore, method: string, call: () => Promise<unknown>): Promise<void> {
  if (method in kv) equal(errorCode(await rejection(call(), method)), 'KV_NOT_SUPPORTED', method)
}
