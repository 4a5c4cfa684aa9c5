import { describe, expect, it } from 'vitest'
import { suite } from '../src/conformance.ts'
import { indexed, Key, KeyTree, type KvCapabilities, type KvIndexed } from '../src/index.ts'

const capabilities: KvCapabilities = {
  durability: 'none',
  digest: 'sha256',
  maxValueBytes: 8 * 1024 * 1024,
  maxBatchOps: 0,
  maxBatchBytes: 0,
  lastModifiedResolutionMs: 1,
  appendOnly: false,
  keyNames: 'exact',
}

interface Value extends KvIndexed {
  readonly bytes: Uint8Array
}

function treeOf(content: ReadonlyMap<string, Uint8Array>): KeyTree<Value> {
  const tree = new KeyTree<Value>()
  for (const [path, bytes] of content) {
    tree.set(Key.parse(path), { bytes, size: bytes.length, lastModified: 0, digest: undefined })
  }
  return tree
}

const read = async ({ bytes }: Value, offset: number, length: number) => bytes.slice(offset, offset + length)

describe('a store over an index', () => {
  suite({
    describe,
    it,
    supports: {
      write: false,
      remove: false,
      batch: false,
      watch: false,
      snapshot: false,
      reopen: true,
      exclusive: false,
    },
    create: async ({ content }) => {
      const tree = treeOf(content)
      return { connect: async () => indexed(tree, { capabilities, read }) }
    },
  })

  it('reads no value that is larger than the limit, but parts of it', async () => {
    const tree = treeOf(new Map([['/v', new Uint8Array(10)]]))
    const kv = indexed(tree, { capabilities: { ...capabilities, maxValueBytes: 9 }, read })
    await expect(kv.get('/v')).rejects.toMatchObject({ code: 'KV_TOO_LARGE', limit: 9 })
    await expect(kv.digest('/v')).rejects.toMatchObject({ code: 'KV_TOO_LARGE' })
    expect(await kv.getPartial('/v', 1, 100)).toHaveLength(9)
  })
})
