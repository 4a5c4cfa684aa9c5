import { bytes, equal, fails } from './assertions.ts'
import { names, text, texts } from './contents.ts'
import type { Section } from './harness.ts'

const TREE = { '/v': 'v', '/w': 'w', '/d/x': 'x', '/d/y': 'y', '/e/z': 'z' }
const needs = ['write', 'remove'] as const

export const removal: Section = {
  title: 'remove',
  rules: [
    {
      id: 'R1',
      title: 'a value',
      needs,
      content: TREE,
      async run({ kv }) {
        await kv.remove('/v')
        equal(await kv.get('/v'), undefined, 'get')
        equal(await kv.exists('/v'), undefined, 'exists')
      },
    },
    {
      id: 'R2',
      title: 'a dictionary with everything below',
      needs,
      content: { ...TREE, '/d/deep/er/est': '1' },
      async run({ kv }) {
        await kv.remove('/d')
        equal(await texts(kv), ['/e/z=z', '/v=v', '/w=w'], 'contents')
      },
    },
    {
      id: 'R3',
      title: 'what is not there',
      needs,
      content: TREE,
      async run({ kv }) {
        for (const key of ['/none', '/none/none', '/d/none', '/v/below']) await kv.remove(key)
        equal((await texts(kv)).length, 5, 'values')
      },
    },
    {
      id: 'R4',
      title: 'twice',
      needs,
      content: TREE,
      async run({ kv }) {
        for (const key of ['/d', '/d', '/v', '/v']) await kv.remove(key)
        equal(await texts(kv), ['/e/z=z', '/w=w'], 'contents')
      },
    },
    {
      id: 'R5',
      title: 'the root is emptied',
      needs,
      content: TREE,
      async run({ kv }) {
        await kv.remove('/')
        equal(await kv.list('/'), [], 'list')
        equal(await kv.exists('/'), 'dictionary', 'exists')
        await kv.set('/again', bytes('1'))
        equal(await texts(kv), ['/again=1'], 'contents')
      },
    },
    {
      id: 'R6',
      title: 'siblings stay, also those whose names begin alike',
      needs,
      content: { '/d/x': '1', '/dd': '2', '/d!': '3', '/c': '4' },
      async run({ kv }) {
        await kv.remove('/d')
        equal(await texts(kv), ['/c=4', '/d!=3', '/dd=2'], 'contents')
      },
    },
    {
      id: 'R7',
      title: 'the name of a removed dictionary is free for a value, and back',
      needs,
      content: { '/n/x': '1' },
      async run({ kv }) {
        await kv.remove('/n')
        await kv.set('/n', bytes('value'))
        equal(text(await kv.get('/n')), 'value', 'get')
        await kv.remove('/n')
        await kv.set('/n/x/y', bytes('below'))
        equal(await texts(kv), ['/n/x/y=below'], 'contents')
      },
    },
  ],
}

export const renaming: Section = {
  title: 'rename',
  rules: [
    {
      id: 'N1',
      title: 'a value to a free name',
      needs,
      content: { '/v': 'v', '/d/x': 'x' },
      async run({ kv }) {
        await kv.rename('/v', '/a/b')
        equal(await texts(kv), ['/a/b=v', '/d/x=x'], 'contents')
      },
    },
    {
      id: 'N2',
      title: 'a value replaces a value',
      needs,
      content: TREE,
      async run({ kv }) {
        await kv.rename('/v', '/w')
        equal(await texts(kv), ['/d/x=x', '/d/y=y', '/e/z=z', '/w=v'], 'contents')
      },
    },
    {
      id: 'N3',
      title: 'a value onto a dictionary moves inside',
      needs,
      content: { '/v': 'v', '/x': 'new', '/d/x': 'old', '/y': 'y', '/d/y/z': 'z' },
      async run({ kv }) {
        await kv.rename('/v', '/d')
        await kv.rename('/x', '/d')
        await fails('KV_ALREADY_PRESENT', kv.rename('/y', '/d'), '/d')
        await kv.rename('/d/v', '/')
        equal(await texts(kv), ['/d/x=new', '/d/y/z=z', '/v=v', '/y=y'], 'contents')
      },
    },
    {
      id: 'N4',
      title: 'a dictionary to a free name',
      needs,
      content: TREE,
      async run({ kv }) {
        await kv.rename('/d', '/e/new')
        equal(await texts(kv), ['/e/new/x=x', '/e/new/y=y', '/e/z=z', '/v=v', '/w=w'], 'contents')
      },
    },
    {
      id: 'N5',
      title: 'a dictionary onto a dictionary moves inside, if its name is free there',
      needs,
      content: { ...TREE, '/f/d/q': 'q', '/g/d': 'g' },
      async run({ kv }) {
        await fails('KV_ALREADY_PRESENT', kv.rename('/d', '/f'), '/f')
        await fails('KV_ALREADY_PRESENT', kv.rename('/d', '/g'), '/g')
        await kv.rename('/d', '/e')
        equal(await names(kv, '/e'), ['/e/d/', '/e/z'], 'list /e')
        equal(await names(kv, '/e/d'), ['/e/d/x', '/e/d/y'], 'list /e/d')
        equal(await names(kv, '/f/d'), ['/f/d/q'], 'list /f/d')
        equal(await kv.exists('/d'), undefined, 'exists /d')
      },
    },
    {
      id: 'N6',
      title: 'a dictionary onto a value rejects, both stay',
      needs,
      content: { '/d/x': 'x', '/v': 'v' },
      async run({ kv }) {
        await fails('KV_VALUE_EXPECTED', kv.rename('/d', '/v'), '/d')
        equal(await texts(kv), ['/d/x=x', '/v=v'], 'contents')
      },
    },
    {
      id: 'N7',
      title: 'nothing moves into itself',
      needs,
      content: { '/d/x': 'x', '/d/e/y': 'y' },
      async run({ kv }) {
        for (const dest of ['/d/e', '/d/new', '/d/new/er', '/d/x']) {
          await fails('KV_RENAME_SOURCE_PREFIX', kv.rename('/d', dest), '/d')
        }
        await fails('KV_RENAME_SOURCE_PREFIX', kv.rename('/', '/d'), '/')
        equal(await texts(kv), ['/d/e/y=y', '/d/x=x'], 'contents')
      },
    },
    {
      id: 'N8',
      title: 'a name that merely begins alike is not inside',
      needs,
      content: { '/a/x': 'x' },
      async run({ kv }) {
        await kv.rename('/a', '/ab')
        await kv.rename('/ab', '/abc/d')
        equal(await texts(kv), ['/abc/d/x=x'], 'contents')
      },
    },
    {
      id: 'N9',
      title: 'an absent source rejects with KV_NOT_FOUND',
      needs,
      content: { '/v': 'v', '/d/x': 'x' },
      async run({ kv }) {
        for (const dest of ['/v', '/d', '/new']) await fails('KV_NOT_FOUND', kv.rename('/none', dest), '/none')
        await fails('KV_NOT_FOUND', kv.rename('/v/below', '/new'), '/v/below')
        equal(await texts(kv), ['/d/x=x', '/v=v'], 'contents')
      },
    },
    {
      id: 'N10',
      title: 'onto itself is nothing to do',
      needs,
      content: { '/v': 'v', '/d/x': 'x' },
      async run({ kv }) {
        const pairs = [
          ['/v', '/v'],
          ['/d', '/d'],
          ['/d/x', '/d'],
          ['/v', '/'],
          ['/d', '/'],
          ['/', '/'],
        ] as const
        for (const [source, dest] of pairs) await kv.rename(source, dest)
        equal(await texts(kv), ['/d/x=x', '/v=v'], 'contents')
        await fails('KV_NOT_FOUND', kv.rename('/none', '/none'), '/none')
      },
    },
    {
      id: 'N11',
      title: 'a destination below a value rejects with KV_DICTIONARY_EXPECTED',
      needs,
      content: { '/v': 'v', '/w': 'w', '/d/x': 'x' },
      async run({ kv }) {
        await fails('KV_DICTIONARY_EXPECTED', kv.rename('/w', '/v/a'), '/v/a')
        await fails('KV_DICTIONARY_EXPECTED', kv.rename('/d', '/v/a/b'), '/v/a/b')
        equal(await texts(kv), ['/d/x=x', '/v=v', '/w=w'], 'contents')
      },
    },
    {
      id: 'N12',
      title: 'the digest is kept',
      needs,
      content: { '/d/v': 'some bytes' },
      async run({ kv }) {
        const digest = await kv.digest('/d/v')
        await kv.rename('/d', '/e')
        equal(await kv.digest('/e/v'), digest, 'digest')
      },
    },
  ],
}
