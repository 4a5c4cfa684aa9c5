import { bytes, equal, fails, ok } from './assertions.ts'
import { names, text, texts } from './contents.ts'
import type { Section } from './harness.ts'

const TREE = { '/v': 'value', '/d/e/f': 'deep' }
const UNCHANGED = ['/d/e/f=deep', '/v=value']

export const absent: Section = {
  title: 'absent keys',
  rules: [
    {
      id: 'A1',
      title: 'get gives undefined',
      content: TREE,
      async run({ kv }) {
        for (const key of ['/none', '/d/none', '/none/none']) {
          equal(await kv.get(key), undefined, `get ${key}`)
          equal(await kv.getPartial(key, 0, 1), undefined, `getPartial ${key}`)
        }
      },
    },
    {
      id: 'A2',
      title: 'exists gives undefined',
      content: TREE,
      async run({ kv }) {
        for (const key of ['/none', '/d/none', '/none/none']) equal(await kv.exists(key), undefined, `exists ${key}`)
        equal(await kv.exists('/v'), 'value', 'exists /v')
        equal(await kv.exists('/d'), 'dictionary', 'exists /d')
      },
    },
    {
      id: 'A3',
      title: 'below a value there is nothing',
      content: TREE,
      async run({ kv }) {
        for (const key of ['/v/x', '/v/x/y']) {
          equal(await kv.get(key), undefined, `get ${key}`)
          equal(await kv.getPartial(key, 0, 1), undefined, `getPartial ${key}`)
          equal(await kv.exists(key), undefined, `exists ${key}`)
        }
      },
    },
    {
      id: 'A4',
      title: 'size, lastModified, digest and list reject with KV_NOT_FOUND',
      content: TREE,
      async run({ kv }) {
        for (const key of ['/none', '/d/none', '/v/x']) {
          await fails('KV_NOT_FOUND', kv.size(key), key)
          await fails('KV_NOT_FOUND', kv.lastModified(key), key)
          await fails('KV_NOT_FOUND', kv.digest(key), key)
          await fails('KV_NOT_FOUND', kv.list(key), key)
        }
      },
    },
    {
      id: 'A5',
      title: 'a fresh store is an empty dictionary',
      async run({ kv }) {
        equal(await kv.list('/'), [], 'list')
        equal(await kv.exists('/'), 'dictionary', 'exists')
      },
    },
  ],
}

export const kinds: Section = {
  title: 'kinds',
  rules: [
    {
      id: 'T1',
      title: 'get of a dictionary rejects with KV_VALUE_EXPECTED',
      content: TREE,
      async run({ kv }) {
        for (const key of ['/d', '/d/e', '/']) {
          await fails('KV_VALUE_EXPECTED', kv.get(key), key)
          await fails('KV_VALUE_EXPECTED', kv.getPartial(key, 0, 1), key)
        }
      },
    },
    {
      id: 'T2',
      title: 'list of a value rejects with KV_DICTIONARY_EXPECTED',
      content: TREE,
      run: async ({ kv }) => void (await fails('KV_DICTIONARY_EXPECTED', kv.list('/v'), '/v')),
    },
    {
      id: 'T3',
      title: 'no write goes below a value',
      needs: ['write'],
      content: TREE,
      async run({ kv }) {
        for (const key of ['/v/x', '/v/x/y']) {
          await fails('KV_DICTIONARY_EXPECTED', kv.set(key, bytes('x')), key)
          await fails('KV_DICTIONARY_EXPECTED', kv.setPartial(key, 0, bytes('x')), key)
          await fails('KV_DICTIONARY_EXPECTED', kv.allocate(key, 1), key)
        }
        equal(await texts(kv), UNCHANGED, 'contents')
      },
    },
    {
      id: 'T4',
      title: 'set over a dictionary rejects, what is below stays',
      needs: ['write'],
      content: TREE,
      async run({ kv }) {
        for (const key of ['/d', '/d/e']) await fails('KV_VALUE_EXPECTED', kv.set(key, bytes('x')), key)
        equal(await texts(kv), UNCHANGED, 'contents')
      },
    },
    {
      id: 'T5',
      title: 'the root cannot be set',
      needs: ['write'],
      async run({ kv }) {
        await fails('KV_VALUE_EXPECTED', kv.set('/', bytes('x')), '/')
        await fails('KV_VALUE_EXPECTED', kv.setPartial('/', 0, bytes('x')), '/')
        await fails('KV_ALREADY_PRESENT', kv.allocate('/', 1), '/')
        equal(await kv.list('/'), [], 'list')
      },
    },
    {
      id: 'T6',
      title: 'size and lastModified of a dictionary reject with KV_VALUE_EXPECTED',
      content: TREE,
      async run({ kv }) {
        for (const key of ['/d', '/']) {
          await fails('KV_VALUE_EXPECTED', kv.size(key), key)
          await fails('KV_VALUE_EXPECTED', kv.lastModified(key), key)
        }
        if (kv.capabilities.digest === 'sha256') await fails('KV_VALUE_EXPECTED', kv.digest('/d'), '/d')
        else ok((await kv.digest('/d')).length === 20, 'a tree id')
      },
    },
    {
      id: 'T7',
      title: 'set creates the dictionaries above',
      needs: ['write'],
      async run({ kv }) {
        await kv.set('/a/b/c/d', bytes('deep'))
        equal(await names(kv), ['/a/'], 'list /')
        equal(await names(kv, '/a/b'), ['/a/b/c/'], 'list /a/b')
        equal(text(await kv.get('/a/b/c/d')), 'deep', 'get')
      },
    },
    {
      id: 'T8',
      title: 'a dictionary is gone with its last value',
      needs: ['write', 'remove'],
      content: { '/a/b/c': '1', '/a/d': '2' },
      async run({ kv }) {
        await kv.remove('/a/b/c')
        equal(await kv.exists('/a/b'), undefined, 'exists /a/b')
        equal(await names(kv, '/a'), ['/a/d'], 'list /a')
        await kv.rename('/a/d', '/e')
        equal(await names(kv), ['/e'], 'list /')
        equal(await kv.exists('/a'), undefined, 'exists /a')
      },
    },
  ],
}
