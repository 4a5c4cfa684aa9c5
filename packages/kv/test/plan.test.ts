import { describe, expect, it } from 'vitest'
import {
  checkLimits,
  Key,
  type KvAsyncView,
  type KvCapabilities,
  type KvNet,
  type KvOp,
  type KvView,
  ownOps,
  planBatch,
  planBatchAsync,
} from '../src/index.ts'

/** A state of values without bytes: a plan asks for none. */
function state(...paths: string[]): KvView {
  const values = paths.map(Key.parse)
  return {
    kind: (key) => {
      if (values.some((value) => value.equals(key))) return 'value'
      return key.segments.length === 0 || values.some((value) => value.startsWith(key)) ? 'dictionary' : undefined
    },
    values: (key) => values.filter((value) => value.startsWith(key)),
  }
}

const set = (key: string): KvOp => ({ op: 'set', key, value: new Uint8Array([key.length]) })
const remove = (key: string): KvOp => ({ op: 'remove', key })
const rename = (source: string, dest: string): KvOp => ({ op: 'rename', source, dest })

function told(net: KvNet): string[] {
  const sets = net.sets.map((one) => `set ${one.key}${'from' in one ? ` from ${one.from}` : ''}`)
  return [...net.removes.map((key) => `remove ${key}`), ...sets]
}

const CASES: Array<[string, KvView, KvOp[], string[]]> = [
  ['nothing for nothing', state('/a'), [], []],
  ['a set', state(), [set('/a/b')], ['set /a/b']],
  ['a replaced value without a removal', state('/a'), [remove('/a'), set('/a')], ['set /a']],
  [
    'every value of a removed dictionary',
    state('/d/x', '/d/e/y', '/z'),
    [remove('/d')],
    ['remove /d/e/y', 'remove /d/x'],
  ],
  ['no removal of what is not there', state('/a'), [remove('/b'), remove('/a/b')], []],
  ['no trace of what came and went', state(), [set('/a'), remove('/a')], []],
  ['where renamed bytes are', state('/a'), [rename('/a', '/b')], ['remove /a', 'set /b from /a']],
  [
    'the first place of bytes renamed twice',
    state('/a'),
    [rename('/a', '/b'), rename('/b', '/c/d')],
    ['remove /a', 'set /c/d from /a'],
  ],
  ['nothing for there and back', state('/a'), [rename('/a', '/b'), rename('/b', '/a')], []],
  [
    'a swap',
    state('/a', '/b'),
    [rename('/a', '/t'), rename('/b', '/a'), rename('/t', '/b')],
    ['set /a from /b', 'set /b from /a'],
  ],
  [
    'a dictionary that moved with a new value',
    state('/d/x'),
    [set('/d/y'), rename('/d', '/e')],
    ['remove /d/x', 'set /e/x from /d/x', 'set /e/y'],
  ],
  ['a value where a dictionary was emptied', state('/d/x'), [remove('/d/x'), set('/d')], ['remove /d/x', 'set /d']],
  ['a dictionary where a value was', state('/a'), [remove('/a'), set('/a/b')], ['remove /a', 'set /a/b']],
  ['a move inside', state('/a', '/d/x'), [rename('/a', '/d')], ['remove /a', 'set /d/a from /a']],
  ['all but one after the root was emptied', state('/a', '/b'), [remove('/'), set('/b')], ['remove /a', 'set /b']],
]

const REFUSED: Array<[string, string, KvView, KvOp[]]> = [
  ['KV_VALUE_EXPECTED', '/d', state('/d/x'), [set('/d')]],
  ['KV_DICTIONARY_EXPECTED', '/a/b/c', state('/a'), [set('/a/b/c')]],
  ['KV_DICTIONARY_EXPECTED', '/n/x', state(), [set('/n'), set('/n/x')]],
  ['KV_NOT_FOUND', '/a', state('/a'), [rename('/a', '/b'), rename('/a', '/c')]],
  ['KV_RENAME_SOURCE_PREFIX', '/d', state('/d/x'), [rename('/d', '/d/e')]],
  ['KV_RENAME_SOURCE_PREFIX', '/', state('/d/x'), [rename('/', '/e')]],
  ['KV_VALUE_EXPECTED', '/d', state('/d/x', '/v'), [rename('/d', '/v')]],
  ['KV_ALREADY_PRESENT', '/e', state('/d/x', '/e/d'), [rename('/d', '/e')]],
  ['KV_DICTIONARY_EXPECTED', '/v/a', state('/a', '/v'), [rename('/a', '/v/a')]],
]

describe('planBatch', () => {
  it.each(CASES)('gives %s', async (_, view, ops, expected) => {
    expect(told(planBatch(ownOps(ops), view))).toEqual(expected)
    const later: KvAsyncView = { kind: async (key) => view.kind(key), values: async (key) => view.values(key) }
    expect(told(await planBatchAsync(ownOps(ops), later))).toEqual(expected)
  })

  it.each(REFUSED)('refuses with %s at %s', (code, key, view, ops) => {
    let error: unknown
    try {
      planBatch(ownOps(ops), view)
    } catch (thrown) {
      error = thrown
    }
    expect(error).toMatchObject({ code })
    expect(String((error as { key: Key }).key)).toBe(key)
  })

  it('refuses a move that makes a key too long', () => {
    const long = `/${'x'.repeat(250)}`
    const deep = `/d${long}${long}${long}`
    expect(() => planBatch(ownOps([rename('/d', `/e${long}${long}`)]), state(deep))).toThrow(
      expect.objectContaining({ code: 'KV_KEY_INVALID' }),
    )
  })
})

describe('ownOps', () => {
  it('copies values, also those of a Buffer, and parses keys', () => {
    const value = Buffer.from('abc')
    const [owned] = ownOps([{ op: 'set', key: 'a//b', value }])
    value.fill(0)
    expect(owned).toMatchObject({ op: 'set', value: new Uint8Array([97, 98, 99]) })
    expect(String((owned as { key: Key }).key)).toBe('/a/b')
  })

  it('refuses nonsense', () => {
    expect(() => ownOps([{ op: 'set', key: '/a', value: 'text' as unknown as Uint8Array }])).toThrow(TypeError)
    expect(() => ownOps([{ op: 'append' } as unknown as KvOp])).toThrow(TypeError)
    expect(() => ownOps([remove('/..')])).toThrow(expect.objectContaining({ code: 'KV_KEY_INVALID' }))
  })
})

describe('checkLimits', () => {
  const limits: KvCapabilities = {
    durability: 'none',
    digest: 'sha256',
    maxValueBytes: 10,
    maxBatchOps: 3,
    maxBatchBytes: 12,
    lastModifiedResolutionMs: 1,
    appendOnly: false,
    keyNames: 'exact',
  }
  const values = (...lengths: number[]) =>
    ownOps(lengths.map((length, i): KvOp => ({ op: 'set', key: `/${i}`, value: new Uint8Array(length) })))

  it.each([[[10]], [[6, 6]], [[1, 1, 1]], [[]]])('allows %j', (lengths) => checkLimits(values(...lengths), limits))

  it.each([
    [[11], 10],
    [[6, 7], 12],
    [[1, 1, 1, 1], 3],
  ])('refuses %j', (lengths, limit) => {
    expect(() => checkLimits(values(...lengths), limits)).toThrow(
      expect.objectContaining({ code: 'KV_TOO_LARGE', limit }),
    )
  })
})
