import { errorCode } from '../codes.ts'
import { Key, MAX_KEY_BYTES } from '../key.ts'
import type { KvRo, KvRw } from '../store.ts'
import { walk } from '../walk.ts'
import { bytes, equal, fails, ok, throws } from './assertions.ts'
import { names, text } from './contents.ts'
import type { Section, Trial } from './harness.ts'
import { pick, type Random } from './random.ts'

const ALPHABET = ['a', 'B', '-', '!', '~', ' ', '.x', 'é', '\ufb00', '😀', '\uffee', '0']
/** In UTF-8 byte order; UTF-16 would put the emoji before the two in front of it. */
const ORDERED = ['!', 'B', 'c', 'z', 'zz', '~', 'é', '\ufb00', '\uffee', '😀']
const BAD_SEGMENTS = ['.', '..', 'a\0b', '\ud800', 'x\udc00', 'é'.repeat(128)]
const PREPARED = [
  'a b',
  ' ',
  ':',
  '\\',
  '%2F',
  'é',
  '\u212b',
  '😀',
  'CON',
  '.git',
  '...',
  'x.',
  '*',
  '"',
  '\n',
  '__proto__',
  'A',
  'a',
  'n'.repeat(101),
  'ü'.repeat(127),
]
const FORGED_SEGMENTS = [...BAD_SEGMENTS, '', 'a/b', '/']

export const keys: Section = {
  title: 'keys',
  rules: [
    {
      id: 'K1',
      title: 'slashes around and between segments do not matter',
      content: { '/a/b': 'K1' },
      async run({ kv }) {
        for (const [path, segments] of [
          ['', []],
          ['/', []],
          ['a/b', ['a', 'b']],
          ['/a//b/', ['a', 'b']],
        ] as const) {
          equal(Key.parse(path).segments, segments, `parse ${JSON.stringify(path)}`)
        }
        for (const path of ['a/b', '/a/b', '/a//b/']) equal(text(await kv.get(path)), 'K1', path)
        for (const path of ['', '/']) equal(await kv.exists(path), 'dictionary', `exists ${JSON.stringify(path)}`)
        equal(await names(kv, '//a/'), ['/a/b'], 'list //a/')
      },
    },
    {
      id: 'K2',
      title: 'the text of a key parses to the same key',
      content: { '/x y/é/😀': '1', '/x y/%2f': '2' },
      async run({ kv, random }) {
        for (let i = 0; i < 1000; i++) {
          const key = randomKey(random)
          ok(Key.parse(key.toString()).equals(key), `${key}`)
        }
        for await (const key of walk(kv)) {
          ok(key.toString().startsWith('/') && Key.parse(key.toString()).equals(key), `${key}`)
          equal(await kv.get(key.toString()), await kv.get(key), `get by key and by text ${key}`)
        }
      },
    },
    {
      id: 'K3',
      title: 'a key is its parent and its basename',
      content: { '/a/b/c': '1', '/a/d': '2' },
      async run({ kv, random }) {
        ok(Key.root.parent.equals(Key.root) && Key.root.basename === '', 'root')
        for (let i = 0; i < 1000; i++) {
          const key = randomKey(random)
          if (key.segments.length > 0) ok(key.parent.child(key.basename).equals(key), `${key}`)
        }
        for (const dictionary of ['/', '/a', '/a/b'].map(Key.parse)) {
          for (const [key] of await kv.list(dictionary)) {
            ok(key.parent.equals(dictionary) && dictionary.child(key.basename).equals(key), `${key} in ${dictionary}`)
          }
        }
      },
    },
    {
      id: 'K4',
      title: 'bad segments are refused, in text and in forged keys',
      async run({ kv, options }) {
        for (const bad of FORGED_SEGMENTS) throws('KV_KEY_INVALID', () => Key.root.child(bad), JSON.stringify(bad))
        for (const bad of BAD_SEGMENTS) await refusesKey(kv, `/a/${bad}`, options.supports.write)
        for (const bad of FORGED_SEGMENTS) {
          const forged = { segments: ['a', bad], toString: () => '/a', basename: bad } as unknown as Key
          await refusesKey(kv, forged, options.supports.write)
        }
      },
    },
    {
      id: 'K5',
      title: `a key of ${MAX_KEY_BYTES} bytes works, a longer one is refused`,
      async run({ kv, options }) {
        const segment = 'k'.repeat(204)
        const longest = Key.of(segment, segment, segment, segment, segment)
        equal(longest.toString().length, MAX_KEY_BYTES + 1, 'length, with the first slash')
        const longer = `${longest}k`
        throws('KV_KEY_INVALID', () => Key.parse(longer), '1025 bytes')
        await fails('KV_KEY_INVALID', kv.exists(longer))
        equal(await kv.exists(longest), undefined, 'exists')
        if (!options.supports.write) return
        await kv.set(longest, bytes('long'))
        equal(text(await kv.get(longest)), 'long', 'get')
        await fails('KV_KEY_INVALID', kv.set(longer, bytes('longer')))
      },
    },
    {
      id: 'K6',
      title: 'keys have one total order, ancestors first',
      content: Object.fromEntries(ORDERED.toReversed().map((name) => [`/${name}`, name])),
      async run({ kv, random }) {
        for (let i = 0; i < 1000; i++) {
          const [a, b, c] = [randomKey(random), randomKey(random), randomKey(random)]
          equal(Math.sign(Key.compare(a, b)), -Math.sign(Key.compare(b, a)) || 0, `antisymmetric ${a} ${b}`)
          equal(Key.compare(a, b) === 0, a.equals(b), `total ${a} ${b}`)
          if (Key.compare(a, b) <= 0 && Key.compare(b, c) <= 0) ok(Key.compare(a, c) <= 0, `transitive ${a} ${b} ${c}`)
          if (b.startsWith(a)) ok(Key.compare(a, b) <= 0, `ancestor first ${a} ${b}`)
        }
        equal(
          await names(kv),
          ORDERED.map((name) => `/${name}`),
          'listed in UTF-8 byte order',
        )
      },
    },
    {
      id: 'K7',
      title: 'a dictionary comes before the names that continue its own',
      content: { '/a!': '1', '/a/b': '2', '/a-': '3' },
      async run({ kv }) {
        equal(await names(kv), ['/a/', '/a!', '/a-'], 'list')
        const walked: string[] = []
        for await (const key of walk(kv)) walked.push(key.toString())
        equal(walked, ['/a/b', '/a!', '/a-'], 'walk')
      },
    },
    {
      id: 'K8',
      title: 'unusual names work or are refused, and never name another value',
      needs: ['write'],
      async run(t) {
        const odd = [
          'é',
          'a b',
          ' ',
          ':',
          'a:b',
          '\\',
          'a\\b',
          '%',
          '%2F',
          '😀',
          'CON',
          'nul.txt',
          '.git',
          '...',
          'x.',
          'x ',
        ]
        const more = [
          '-',
          '*',
          '?',
          '"',
          '<',
          '>',
          '|',
          '\n',
          '\t',
          '~',
          '$HOME',
          '__proto__',
          'constructor',
          '.kv',
          '.kv~1',
        ]
        await distinctOrRefused(t, [...odd, ...more])
      },
    },
    {
      id: 'K9',
      title: 'two Unicode spellings are two names, or the second is refused',
      needs: ['write'],
      run: async (t) => void (await distinctOrRefused(t, ['\u00e9', 'e\u0301', '\u212b', '\u00c5'])),
    },
    {
      id: 'K10',
      title: 'upper and lower case are two names, or the second is refused',
      needs: ['write'],
      async run(t) {
        const refused = await distinctOrRefused(t, ['A', 'a', 'Straße', 'STRASSE'])
        if (t.kv.capabilities.keyNames === 'exact') equal(refused, [], 'refused, though capabilities say exact')
      },
    },
    {
      id: 'K11',
      title: 'unusual names of a prepared tree are read under their own names',
      lacks: 'write',
      content: Object.fromEntries(PREPARED.map((name) => [`/odd/${name}`, name])),
      async run({ kv }) {
        const keys = PREPARED.map((name) => Key.of('odd', name)).sort(Key.compare)
        equal(await names(kv, '/odd'), keys.map(String), 'list')
        for (const key of keys) equal(text(await kv.get(key)), key.basename, `get ${JSON.stringify(key.basename)}`)
      },
    },
  ],
}

async function refusesKey(kv: KvRo & Partial<KvRw>, key: string | Key, write: boolean): Promise<void> {
  const calls: Array<Promise<unknown>> = [
    kv.exists(key),
    kv.get(key),
    kv.getPartial(key, 0, 1),
    kv.list(key),
    kv.size(key),
  ]
  calls.push(kv.lastModified(key), kv.digest(key))
  if (write) {
    const rw = kv as KvRw
    calls.push(rw.set(key, bytes('x')), rw.setPartial(key, 0, bytes('x')), rw.allocate(key, 1))
  }
  for (const result of await Promise.allSettled(calls)) {
    ok(result.status === 'rejected', `accepted ${JSON.stringify(key)}`)
    equal(errorCode(result.reason), 'KV_KEY_INVALID', JSON.stringify(key))
  }
}

/** Sets every name to a value of its own; returns the names that were refused. */
async function distinctOrRefused({ kv }: Trial, wanted: readonly string[]): Promise<string[]> {
  const refused: string[] = []
  for (const name of wanted) {
    const code = await kv.set(Key.of('odd', name), bytes(name)).then(() => undefined, errorCode)
    if (code === undefined) continue
    equal(code, 'KV_KEY_INVALID', `set ${JSON.stringify(name)}`)
    refused.push(name)
  }
  const kept = wanted.filter((name) => !refused.includes(name)).map((name) => Key.of('odd', name))
  for (const key of kept) equal(text(await kv.get(key)), key.basename, `get ${JSON.stringify(key.basename)}`)
  equal(await names(kv, 'odd'), kept.sort(Key.compare).map(String), 'list')
  return refused
}

function randomKey(random: Random): Key {
  const segment = () => Array.from({ length: 1 + random(2) }, () => pick(random, ALPHABET)).join('')
  return Key.of(...Array.from({ length: random(4) }, segment))
}
