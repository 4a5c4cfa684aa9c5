import { bytes, equal, fails, ok, pattern } from './assertions.ts'
import { text } from './contents.ts'
import type { Rule, Section } from './harness.ts'

const MIB = 1024 * 1024
const SIZES = [1, 4095, 4096, 4097, 65_537, 5 * MIB]

class Subclass extends Uint8Array {}

export const values: Section = {
  title: 'values',
  rules: [
    {
      id: 'V1',
      title: 'what was set is got',
      content: { '/a': 'one', '/b/c': 'two' },
      async run({ kv }) {
        equal(text(await kv.get('/a')), 'one', '/a')
        equal(text(await kv.get('/b/c')), 'two', '/b/c')
      },
    },
    {
      id: 'V2',
      title: 'an empty value exists',
      content: { '/empty': '' },
      async run({ kv }) {
        equal(await kv.get('/empty'), new Uint8Array(0), 'get')
        equal(await kv.size('/empty'), 0, 'size')
        equal(await kv.exists('/empty'), 'value', 'exists')
      },
    },
    {
      id: 'V3',
      title: 'every byte value survives',
      content: { '/bytes': Uint8Array.from({ length: 256 }, (_, i) => i) },
      async run({ kv }) {
        equal(
          await kv.get('/bytes'),
          Uint8Array.from({ length: 256 }, (_, i) => i),
          'get',
        )
      },
    },
    {
      id: 'V4',
      title: 'values of many sizes, and none above the limit',
      timeoutMs: 60_000,
      content: Object.fromEntries(SIZES.map((size) => [`/sizes/${size}`, pattern(size)])),
      async run({ kv, options }) {
        const { maxValueBytes } = kv.capabilities
        for (const size of SIZES.filter((size) => size <= maxValueBytes)) {
          equal(await kv.get(`/sizes/${size}`), pattern(size), `${size} bytes`)
          equal(await kv.size(`/sizes/${size}`), size, `size of ${size} bytes`)
        }
        if (!options.supports.write || maxValueBytes > 64 * MIB) return
        const error = await fails('KV_TOO_LARGE', kv.set('/large', new Uint8Array(maxValueBytes + 1)), '/large')
        equal((error as { limit?: number }).limit, maxValueBytes, 'the limit in the error')
        await fails('KV_TOO_LARGE', kv.allocate('/large', maxValueBytes + 1), '/large')
        equal(await kv.exists('/large'), undefined, 'nothing was stored')
        await kv.set('/small', bytes('small'))
        await fails('KV_TOO_LARGE', kv.setPartial('/small', 5, new Uint8Array(maxValueBytes - 4)), '/small')
        equal(await kv.size('/small'), 5, 'nothing was appended')
      },
    },
    ownership(),
    {
      id: 'V6',
      title: 'the value may be changed right after the call',
      needs: ['write'],
      async run({ kv }) {
        const value = bytes('before')
        const write = kv.set('/v', value)
        value.fill(0)
        await write
        equal(text(await kv.get('/v')), 'before', 'get')
        const part = bytes('PART')
        const partial = kv.setPartial('/v', 0, part)
        part.fill(0)
        await partial
        equal(text(await kv.get('/v')), 'PARTre', 'after setPartial')
      },
    },
    {
      id: 'V7',
      title: 'what was got may be changed',
      content: { '/v': 'stored' },
      async run({ kv }) {
        ;(await kv.get('/v'))?.fill(0)
        ;(await kv.getPartial('/v', 0, 3))?.fill(0)
        const digest = await kv.digest('/v')
        const copy = digest.slice()
        digest.fill(0)
        equal(text(await kv.get('/v')), 'stored', 'get')
        equal(await kv.digest('/v'), copy, 'digest')
      },
    },
    {
      id: 'V8',
      title: 'of a view only the view is stored',
      needs: ['write'],
      async run({ kv }) {
        await kv.set('/v', bytes('0123456789').subarray(3, 6))
        equal(text(await kv.get('/v')), '345', 'get')
        equal(await kv.size('/v'), 3, 'size')
      },
    },
    {
      id: 'V9',
      title: 'subclasses such as Buffer are accepted, plain Uint8Array is returned',
      content: { '/plain': 'plain' },
      async run({ kv, options }) {
        if (options.supports.write) await kv.set('/plain', Subclass.from(bytes('plain')))
        for (const value of [await kv.get('/plain'), await kv.getPartial('/plain', 0, 5), await kv.digest('/plain')]) {
          ok(value && Object.getPrototypeOf(value) === Uint8Array.prototype, 'not a plain Uint8Array')
        }
        equal(text(await kv.get('/plain')), 'plain', 'get')
      },
    },
  ],
}

function ownership(): Rule {
  return {
    id: 'V5',
    title: 'the value may be changed after the write, also one of a batch',
    needs: ['write'],
    async run({ kv, options }) {
      const value = bytes('before')
      await kv.set('/v', value)
      if (options.supports.batch) {
        const batch = kv.batch([{ op: 'set', key: '/w', value }])
        value.fill(1)
        await batch
        equal(text(await kv.get('/w')), 'before', 'get after batch')
      }
      value.fill(0)
      equal(text(await kv.get('/v')), 'before', 'get')
    },
  }
}
