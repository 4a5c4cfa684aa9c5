import { bytes, during, equal, fails, ok, pattern } from './assertions.ts'
import { text } from './contents.ts'
import type { Section } from './harness.ts'

const MIB = 1024 * 1024
const NONSENSE = [-1, Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53]

export const partial: Section = {
  title: 'partial reads and writes',
  rules: [
    {
      id: 'P1',
      title: 'a part, as far as there is one',
      content: { '/v': 'abc' },
      async run({ kv }) {
        const table = [
          [0, 2, 'ab'],
          [1, 1, 'b'],
          [3, 1, ''],
          [1, 4, 'bc'],
          [0, 0, ''],
          [0, 3, 'abc'],
        ] as const
        for (const [offset, length, part] of table) {
          equal(text(await kv.getPartial('/v', offset, length)), part, `(${offset}, ${length})`)
        }
      },
    },
    {
      id: 'P2',
      title: 'an offset at or past the end gives nothing',
      content: { '/v': 'abc', '/empty': '' },
      async run({ kv }) {
        for (const offset of [3, 4, 1000, 2 ** 40])
          equal(text(await kv.getPartial('/v', offset, 5)), '', `at ${offset}`)
        equal(text(await kv.getPartial('/empty', 0, 5)), '', 'of an empty value')
      },
    },
    {
      id: 'P3',
      title: 'negative, fractional and endless numbers reject with KV_RANGE',
      content: { '/v': 'abc' },
      async run({ kv }) {
        for (const n of NONSENSE) {
          await fails('KV_RANGE', kv.getPartial('/v', n, 1), '/v')
          await fails('KV_RANGE', kv.getPartial('/v', 0, n), '/v')
        }
      },
    },
    {
      id: 'P4',
      title: 'a part of a value in a dictionary',
      content: { '/a/b/c': 'nested' },
      run: async ({ kv }) => equal(text(await kv.getPartial('/a/b/c', 2, 3)), 'ste', 'part'),
    },
    {
      id: 'P5',
      title: 'a part far into a large value',
      content: { '/large': pattern(5 * MIB) },
      async run({ kv, options }) {
        const size = Math.min(5 * MIB, kv.capabilities.maxValueBytes)
        if (!options.supports.write && size < 5 * MIB) return
        const whole = pattern(5 * MIB).subarray(0, size)
        if (options.supports.write) await kv.set('/large', whole)
        for (const [offset, length] of [
          [Math.floor(size * 0.8), 1000],
          [size - 10, 100],
          [65_530, 200_000],
        ] as const) {
          equal(await kv.getPartial('/large', offset, length), whole.slice(offset, offset + length), `at ${offset}`)
        }
      },
    },
    {
      id: 'W1',
      title: 'setPartial keeps what is before and behind',
      needs: ['write'],
      content: { '/v': '0123456789' },
      async run({ kv }) {
        await kv.setPartial('/v', 3, bytes('abc'))
        equal(text(await kv.get('/v')), '012abc6789', 'in the middle')
        await kv.setPartial('/v', 8, bytes('xyz'))
        equal(text(await kv.get('/v')), '012abc67xyz', 'across the end')
        for (const n of NONSENSE) await fails('KV_RANGE', kv.setPartial('/v', n, bytes('x')), '/v')
      },
    },
    {
      id: 'W2',
      title: 'setPartial at the size appends',
      needs: ['write'],
      content: { '/v': 'abc' },
      async run({ kv }) {
        await kv.setPartial('/v', 3, bytes('def'))
        equal(text(await kv.get('/v')), 'abcdef', 'get')
        equal(await kv.size('/v'), 6, 'size')
      },
    },
    {
      id: 'W3',
      title: 'setPartial past the size rejects with KV_RANGE',
      needs: ['write'],
      content: { '/v': 'abc' },
      async run({ kv }) {
        await fails('KV_RANGE', kv.setPartial('/v', 4, bytes('x')), '/v')
        await fails('KV_RANGE', kv.setPartial('/none', 1, bytes('x')), '/none')
        equal(text(await kv.get('/v')), 'abc', 'get')
        equal(await kv.exists('/none'), undefined, 'exists')
      },
    },
    {
      id: 'W4',
      title: 'setPartial at 0 creates',
      needs: ['write'],
      async run({ kv }) {
        await kv.setPartial('/d/new', 0, bytes('abc'))
        equal(text(await kv.get('/d/new')), 'abc', 'get')
      },
    },
    {
      id: 'W5',
      title: 'setPartial of a dictionary rejects with KV_VALUE_EXPECTED',
      needs: ['write'],
      content: { '/d/v': 'abc' },
      async run({ kv }) {
        await fails('KV_VALUE_EXPECTED', kv.setPartial('/d', 0, bytes('x')), '/d')
        equal(text(await kv.get('/d/v')), 'abc', 'get')
      },
    },
    {
      id: 'W6',
      title: 'nobody reads half a write',
      needs: ['write'],
      content: { '/v': new Uint8Array(100_000) },
      async run({ kv, rounds }) {
        for (let round = 1; round <= rounds(20); round++) {
          await during(kv.setPartial('/v', 0, new Uint8Array(100_000).fill(round)), async () => {
            const seen = await kv.get('/v')
            ok(seen?.length === 100_000 && seen.every((byte) => byte === seen[0]), 'half a write was read')
          })
          equal((await kv.getPartial('/v', 99_999, 1))?.[0], round, 'the last byte')
        }
      },
    },
  ],
}
