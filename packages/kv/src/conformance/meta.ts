import { digestOf } from '../digest.ts'
import { bytes, equal, fails, ok } from './assertions.ts'
import { text } from './contents.ts'
import type { Section } from './harness.ts'

const DAY = 86_400_000

export const allocation: Section = {
  title: 'allocate',
  rules: [
    {
      id: 'Z1',
      title: 'zeros, as many as asked for',
      needs: ['write'],
      async run({ kv }) {
        for (const size of [0, 1, 512, 5000]) {
          await kv.allocate(`/d/${size}`, size)
          equal(await kv.get(`/d/${size}`), new Uint8Array(size), `${size} bytes`)
          equal(await kv.size(`/d/${size}`), size, 'size')
        }
        for (const size of [-1, 0.5, Number.NaN]) await fails('KV_RANGE', kv.allocate('/d/bad', size), '/d/bad')
        equal(await kv.exists('/d/bad'), undefined, 'exists')
      },
    },
    {
      id: 'Z2',
      title: 'with the given time',
      needs: ['write'],
      async run({ kv, clock }) {
        const given = clock.now - 365 * DAY
        await kv.allocate('/v', 3, { lastModified: given })
        const error = Math.abs((await kv.lastModified('/v')) - given)
        ok(error < kv.capabilities.lastModifiedResolutionMs || error === 0, `off by ${error} ms`)
      },
    },
    {
      id: 'Z3',
      title: 'where something is rejects with KV_ALREADY_PRESENT',
      needs: ['write'],
      content: { '/v': 'v', '/d/x': 'x' },
      async run({ kv }) {
        await fails('KV_ALREADY_PRESENT', kv.allocate('/v', 3), '/v')
        await fails('KV_ALREADY_PRESENT', kv.allocate('/d', 3), '/d')
        equal(text(await kv.get('/v')), 'v', '/v')
        equal(text(await kv.get('/d/x')), 'x', '/d/x')
      },
    },
    {
      id: 'Z4',
      title: 'can be filled by setPartial',
      needs: ['write'],
      async run({ kv }) {
        await kv.allocate('/v', 6)
        await kv.setPartial('/v', 2, bytes('ab'))
        equal(text(await kv.get('/v')), '\0\0ab\0\0', 'get')
      },
    },
  ],
}

export const meta: Section = {
  title: 'meta data',
  rules: [
    {
      id: 'M1',
      title: 'lastModified is the time of the write by the clock',
      needs: ['write'],
      async run({ kv, clock }) {
        const { lastModifiedResolutionMs: resolution } = kv.capabilities
        const writes = [
          ['/v', () => kv.set('/v', bytes('1'))],
          ['/v', () => kv.setPartial('/v', 1, bytes('2'))],
          ['/w', () => kv.allocate('/w', 1)],
        ] as const
        for (const [key, write] of writes) {
          clock.now += 2 * DAY + 7
          const before = clock.now
          await write()
          const written = await kv.lastModified(key)
          ok(Number.isInteger(written), `${written} is not an integer`)
          ok(written > before - resolution && written <= clock.now, `${written}, the clock says ${before}`)
        }
      },
    },
    {
      id: 'M2',
      title: 'lastModified never decreases, also when the clock steps back',
      needs: ['write'],
      async run({ kv, clock }) {
        const start = clock.now
        await kv.set('/v', bytes('1'))
        let last = await kv.lastModified('/v')
        for (const now of [start + 5000, start - DAY, start, start + 10_000, start - 2 * DAY]) {
          clock.now = now
          await kv.set('/v', bytes(`at ${now}`))
          const time = await kv.lastModified('/v')
          ok(time >= last, `from ${last} to ${time}`)
          last = time
        }
        ok(last >= start + 10_000 - kv.capabilities.lastModifiedResolutionMs, 'it does not follow the clock forwards')
      },
    },
    {
      id: 'M3',
      title: 'reading does not change lastModified',
      content: { '/v': 'v' },
      async run({ kv, clock }) {
        const before = await kv.lastModified('/v')
        clock.now += DAY
        await kv.get('/v')
        await kv.getPartial('/v', 0, 1)
        await kv.digest('/v')
        equal(await kv.lastModified('/v'), before, 'lastModified')
      },
    },
    {
      id: 'M4',
      title: 'the digest is that of the bytes',
      content: { '/a': 'same', '/d/b': 'same', '/c': 'other' },
      async run({ kv, options, reconnect }) {
        const digest = await kv.digest('/a')
        equal(digest, digestOf(kv.capabilities.digest, bytes('same')), `by ${kv.capabilities.digest}`)
        equal(await kv.digest('/d/b'), digest, 'of equal bytes')
        ok(String(await kv.digest('/c')) !== String(digest), 'other bytes, same digest')
        if (options.supports.write) {
          await kv.set('/d/b', bytes('diff'))
          ok(String(await kv.digest('/d/b')) !== String(digest), 'changed bytes of the same size, same digest')
          await kv.set('/d/b', bytes('same'))
          equal(await kv.digest('/d/b'), digest, 'changed back')
        }
        if (options.supports.reopen) equal(await (await reconnect()).digest('/a'), digest, 'after a reconnection')
      },
    },
    {
      id: 'M5',
      title: 'the size follows the value, both ways',
      needs: ['write'],
      async run({ kv }) {
        for (const length of [10, 3, 5000, 0, 1]) {
          await kv.set('/v', new Uint8Array(length))
          equal(await kv.size('/v'), length, 'size')
        }
      },
    },
    {
      id: 'M6',
      title: 'lastModified outlives the connection',
      needs: ['reopen'],
      content: { '/v': 'v', '/d/x': 'x' },
      async run({ kv, clock, options, reconnect }) {
        clock.now += DAY
        if (options.supports.write) await kv.set('/v', bytes('later'))
        const times = await Promise.all([kv.lastModified('/v'), kv.lastModified('/d/x')])
        clock.now += DAY
        const again = await reconnect()
        equal(await Promise.all([again.lastModified('/v'), again.lastModified('/d/x')]), times, 'lastModified')
      },
    },
  ],
}
