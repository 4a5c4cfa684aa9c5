import { layered, prefixed, readOnly } from '@fata/kv'
import { type KvPlaceRequest, type KvSupports, sequences, suite } from '@fata/kv/conformance'
import { describe, it } from 'vitest'
import { createMem } from '../src/index.ts'

const limits = { maxValueBytes: 8 * 1024 * 1024, maxBatchBytes: 16 * 1024 * 1024, maxQueuedChanges: 5000 }
const supports: KvSupports = {
  write: true,
  remove: true,
  batch: true,
  watch: true,
  snapshot: true,
  reopen: false,
  exclusive: false,
}
const readable: KvSupports = {
  ...supports,
  write: false,
  remove: false,
  batch: false,
  watch: false,
  snapshot: false,
  reopen: true,
}

async function filled({ now, content }: KvPlaceRequest) {
  const kv = createMem({ now })
  for (const [key, value] of content) await kv.set(key, value)
  return kv
}

describe('kv-mem', () => {
  suite({
    describe,
    it,
    supports,
    lagAfter: 6000,
    create: async ({ now }) => ({ connect: async () => createMem({ ...limits, now }) }),
  })
})

describe('prefixed(kv-mem)', () => {
  suite({
    describe,
    it,
    supports: { ...supports, reopen: true },
    lagAfter: 6000,
    skip: [{ name: 'K5', reason: 'the prefix takes its part of the 1024 bytes' }],
    create: async ({ now }) => {
      const kv = createMem({ ...limits, now })
      await kv.set('/outside', new Uint8Array(1))
      return { connect: async () => prefixed(kv, '/some/where') }
    },
  })
})

describe('readOnly(kv-mem)', () => {
  suite({
    describe,
    it,
    supports: readable,
    create: async (request) => {
      const kv = await filled(request)
      return { connect: async () => readOnly(kv) }
    },
  })
})

describe('snapshot of kv-mem', () => {
  suite({
    describe,
    it,
    supports: readable,
    create: async (request) => {
      const kv = await filled(request)
      return { connect: () => kv.snapshot() }
    },
  })
})

describe('layered(kv-mem, kv-mem)', () => {
  suite({
    describe,
    it,
    supports: readable,
    create: async (request) => {
      const [upper, lower] = [createMem({ now: request.now }), createMem({ now: request.now })]
      let turn = 0
      for (const [key, value] of request.content) await (turn++ % 2 ? upper : lower).set(key, value)
      return { connect: async () => layered(readOnly(upper), lower) }
    },
  })
})

/** What the store below has under names that the rules use, all of it removed before they begin. */
const REMOVED = ['/v', '/a/b', '/d/x', '/d/e/f', '/many/00001', '/k0', '/c/c/c', '/w/below', '/e', '/gen/0/k0']

describe('layered(kv-mem, readOnly(kv-mem)), written', () => {
  const place = async ({ now }: { now: () => number }) => {
    const [upper, lower] = [createMem({ ...limits, now }), createMem({ now })]
    for (const key of REMOVED) await lower.set(key, new Uint8Array(3))
    await layered(upper, readOnly(lower)).remove('/')
    return { connect: async () => layered(upper, readOnly(lower)) }
  }
  const can = { ...supports, watch: false, snapshot: false, reopen: true, exclusive: false }
  const onlyOne = [{ name: 'C12', reason: 'one view at a time may write' }]
  suite({ describe, it, supports: can, skip: onlyOne, effort: 0.2, create: place })
  sequences({ describe, it, supports: can, create: place, sequences: 300, model: () => createMem() })
})
