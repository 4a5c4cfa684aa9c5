import { errorCode, type KvBatch, prefixed } from '@fata/kv'
import { createMem } from '@fata/kv-mem'
import { describe, expect, it } from 'vitest'
import { type GitStore, openGit } from '../src/index.ts'

const bytes = (value: string) => new TextEncoder().encode(value)
const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value)
const hex = (value: Uint8Array) => Buffer.from(value).toString('hex')

function incompressible(length: number): Uint8Array {
  let x = 1
  return Uint8Array.from({ length }, () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) >>> 24)
}

/** A clock that one second passes on with every look. */
function ticking(start = 1_700_000_000_000): () => number {
  let now = start
  return () => (now += 1000)
}

async function messages(kv: GitStore, options = {}): Promise<string[]> {
  const found: string[] = []
  for await (const { message } of kv.log(options)) found.push(message.trimEnd())
  return found
}

describe('history', () => {
  it('has one commit for every write that changes anything, with its message', async () => {
    const kv = await openGit(createMem(), { author: { name: 'Ada', email: 'ada@example.org' }, now: ticking() })
    expect(await kv.commit()).toBeUndefined()
    expect(await messages(kv)).toEqual([])
    await kv.set('/a', bytes('1'))
    await kv.set('/a', bytes('1'))
    await kv.remove('/none')
    await kv.batch([])
    await kv.batch([
      { op: 'set', key: '/b', value: bytes('2') },
      { op: 'set', key: '/c', value: bytes('3') },
      { op: 'rename', source: '/b', dest: '/d' },
      { op: 'remove', key: '/a' },
      { op: 'set', key: '/e', value: bytes('5') },
    ])
    await kv.batch([{ op: 'set', key: '/f', value: bytes('6') }], { message: 'Why it was done' })
    expect(await messages(kv)).toEqual(['Why it was done', 'set /b, set /c, rename /b to /d and 2 more', 'set /a'])
    for await (const { author, committer, parents, id } of kv.log({ limit: 1 })) {
      expect(author).toMatchObject({ name: 'Ada', email: 'ada@example.org', offsetMinutes: 0 })
      expect(committer).toEqual(author)
      expect(parents).toHaveLength(1)
      expect(id).toBe(await kv.commit())
    }
  })

  it('of a key has the commits that changed it', async () => {
    const kv = await openGit(createMem(), { now: ticking() })
    await kv.batch([{ op: 'set', key: '/d/a', value: bytes('1') }], { message: 'one' })
    await kv.batch([{ op: 'set', key: '/b', value: bytes('1') }], { message: 'two' })
    await kv.batch([{ op: 'set', key: '/d/a', value: bytes('2') }], { message: 'three' })
    await kv.batch([{ op: 'remove', key: '/d' }], { message: 'four' })
    expect(await messages(kv, { key: '/d/a' })).toEqual(['four', 'three', 'one'])
    expect(await messages(kv, { key: '/d' })).toEqual(['four', 'three', 'one'])
    expect(await messages(kv, { key: '/b' })).toEqual(['two'])
    expect(await messages(kv, { limit: 0 })).toEqual([])
  })

  it('can be read at every commit, and by names', async () => {
    const kv = await openGit(createMem())
    await kv.set('/v', bytes('old'))
    const first = (await kv.commit())!
    await kv.set('/v', bytes('new'))
    expect(text(await (await kv.at(first)).get('/v'))).toBe('old')
    for (const name of ['main', 'HEAD', 'refs/heads/main'])
      expect(text(await (await kv.at(name)).get('/v'))).toBe('new')
    const blob = hex(await kv.digest('/v'))
    for (const name of ['none', 'f'.repeat(40), blob, 'refs/heads/none', 'x y']) {
      expect(errorCode(await kv.at(name).catch((error: unknown) => error)), name).toBe('KV_NOT_FOUND')
    }
    const at = await kv.at(first)
    expect('set' in at).toBe(false)
  })

  it('says when a value came to be what it is, also across merges', async () => {
    const kv = await openGit(createMem(), { now: ticking(0) })
    await kv.set('/a', bytes('a'))
    const other = await kv.branch('other')
    await other.set('/b', bytes('b'))
    await kv.set('/c', bytes('c'))
    await kv.merge('other')
    await kv.set('/a', bytes('A'))
    await kv.set('/a', bytes('a'))
    const times = await Promise.all(['/a', '/b', '/c'].map((key) => kv.lastModified(key)))
    expect(times).toEqual([6000, 2000, 3000])
    // Again, from where the last walk began.
    await kv.set('/d', bytes('d'))
    expect(await Promise.all(['/a', '/b', '/c', '/d'].map((key) => kv.lastModified(key)))).toEqual([...times, 7000])
    const fresh = await openGit(await copyOf(kv))
    expect(await fresh.lastModified('/b')).toBe(2000)
  })

  it('names blobs and trees as git does', async () => {
    const kv = await openGit(createMem())
    expect(hex(await kv.digest('/'))).toBe('4b825dc642cb6eb9a060e54bf8d69288fbee4904')
    await kv.set('/dir/file', bytes('hello\n'))
    expect(hex(await kv.digest('/dir/file'))).toBe('ce013625030ba8dba906f756967f9e9ca394464a')
    // git mktree
    expect(hex(await kv.digest('/dir'))).toBe('fb5a86199f63243160ee5b463d2cd5c36fafeb6d')
  })
})

describe('branches', () => {
  it('begin where another is, and go their own way', async () => {
    const kv = await openGit(createMem())
    await kv.set('/v', bytes('1'))
    const first = (await kv.commit())!
    await kv.set('/v', bytes('2'))
    const feature = await kv.branch('feature/x')
    const early = await kv.branch('early', { from: first })
    expect(await kv.branches()).toEqual(['early', 'feature/x', 'main'])
    expect(text(await feature.get('/v'))).toBe('2')
    expect(text(await early.get('/v'))).toBe('1')
    await feature.set('/v', bytes('3'))
    expect(text(await kv.get('/v'))).toBe('2')
    const again = await kv.branch('feature/x', { from: first })
    expect(text(await again.get('/v'))).toBe('3')
    await expect(kv.branch('no name')).rejects.toThrow(RangeError)
    await expect(kv.branch('feature')).rejects.toMatchObject({ code: 'KV_ALREADY_PRESENT' })
    await expect(kv.branch('x', { from: 'nowhere' })).rejects.toMatchObject({ code: 'KV_NOT_FOUND' })
  })

  it('of an empty store begin empty', async () => {
    const store = createMem()
    const kv = await openGit(store, { branch: 'trunk' })
    const other = await kv.branch('other')
    expect(await store.list('/')).toEqual([])
    await other.set('/v', bytes('v'))
    expect(await kv.commit()).toBeUndefined()
    expect(text(await store.get('/HEAD'))).toBe('ref: refs/heads/other\n')
  })

  it('many live in one store, below prefixes', async () => {
    const store = createMem()
    const [a, b] = await Promise.all(['/a', '/b'].map((prefix) => openGit(prefixed(store, prefix))))
    await a!.set('/v', bytes('a'))
    await b!.set('/v', bytes('b'))
    expect(text(await a!.get('/v'))).toBe('a')
  })
})

describe('merge', () => {
  async function diverged(ours: object, theirs: object, base: object = { '/both': 'base', '/d/x': 'x' }) {
    const kv = await openGit(createMem(), { now: ticking() })
    await write(kv, base)
    const other = await kv.branch('other')
    await write(kv, ours)
    await write(other, theirs)
    return kv
  }

  /** null removes. */
  async function write(kv: GitStore, values: object): Promise<void> {
    await kv.batch(
      Object.entries(values).map(([key, value]) => {
        return value === null ? { op: 'remove', key } : { op: 'set', key, value: bytes(value as string) }
      }),
    )
  }

  async function contents(kv: GitStore): Promise<Record<string, string | undefined>> {
    const found: Record<string, string | undefined> = {}
    const walk = async (at: string): Promise<void> => {
      for (const [key, kind] of await kv.list(at)) {
        if (kind === 'dictionary') await walk(key.toString())
        else found[key.toString()] = text(await kv.get(key))
      }
    }
    await walk('/')
    return found
  }

  it('takes what either side alone has changed', async () => {
    const ours = { '/ours': '1', '/d/y': 'ours', '/same': 'same' }
    const kv = await diverged(ours, { '/theirs': '2', '/d/x': null, '/d/z/deep': 'theirs', '/same': 'same' })
    const before = await kv.commit()
    const result = await kv.merge('other', { message: 'together' })
    expect(result).toEqual({ status: 'merged', commit: await kv.commit() })
    expect(await contents(kv)).toEqual({
      ...{ '/both': 'base', '/ours': '1', '/theirs': '2', '/same': 'same' },
      ...{ '/d/y': 'ours', '/d/z/deep': 'theirs' },
    })
    for await (const { message, parents } of kv.log({ limit: 1 })) {
      expect(message).toBe('together\n')
      expect(parents).toEqual([before, await (await kv.branch('other')).commit()])
    }
    expect(await kv.merge('other')).toEqual({ status: 'up-to-date', commit: await kv.commit() })
    expect(await (await kv.branch('other')).merge('main')).toMatchObject({ status: 'fast-forward' })
  })

  it('tells what both have changed, and does nothing', async () => {
    const ours = { '/both': 'ours', '/d': null, '/new': 'ours', '/k': 'value', '/fine': '1' }
    const kv = await diverged(ours, { '/both': 'theirs', '/d/x': 'changed', '/new': 'theirs', '/k/below': 'theirs' })
    const before = await kv.commit()
    const result = await kv.merge('other')
    expect(await kv.commit()).toBe(before)
    if (result.status !== 'conflict') throw new Error(result.status)
    const told = result.conflicts.map(({ key, base, ours, theirs }) => {
      return `${key} ${[base, ours, theirs].map((side) => (side === null ? 'dictionary' : side ? 'value' : 'nothing'))}`
    })
    expect(told.sort()).toEqual([
      '/both value,value,value',
      '/d/x value,nothing,value',
      '/k nothing,value,dictionary',
      '/new nothing,value,value',
    ])
    const { theirs } = result.conflicts.find(({ key }) => `${key}` === '/both')!
    expect(theirs).toEqual(await (await kv.branch('other')).digest('/both'))
  })

  it('goes on after merges crosswise', async () => {
    const kv = await diverged({ '/a': '1' }, { '/b': '1' })
    const other = await kv.branch('other')
    const [ours, theirs] = [(await kv.commit())!, (await other.commit())!]
    expect(await kv.merge(theirs)).toMatchObject({ status: 'merged' })
    expect(await other.merge(ours)).toMatchObject({ status: 'merged' })
    await write(kv, { '/c': '1' })
    await write(other, { '/d/w': '1' })
    expect(await kv.merge('other')).toMatchObject({ status: 'merged' })
    expect(Object.keys(await contents(kv))).toEqual(['/a', '/b', '/both', '/c', '/d/w', '/d/x'])
  })

  it('of histories that have nothing in common takes both', async () => {
    const store = createMem()
    const left = await openGit(store, { branch: 'left' })
    const right = await openGit(store, { branch: 'right' })
    await write(left, { '/a': '1', '/same': 'x' })
    await write(right, { '/b': '1', '/same': 'x' })
    expect(await left.merge('right')).toMatchObject({ status: 'merged' })
    expect(await contents(left)).toEqual({ '/a': '1', '/b': '1', '/same': 'x' })
  })

  it('into an empty branch is that of the other', async () => {
    const store = createMem()
    const right = await openGit(store, { branch: 'right' })
    await write(right, { '/b': '1' })
    const empty = await openGit(store, { branch: 'empty' })
    expect(await empty.merge('right')).toEqual({ status: 'fast-forward', commit: await right.commit() })
  })
})

describe('writes', () => {
  it('that wait together are commits of their own in one write of the store below', async () => {
    const store = createMem()
    let batches = 0
    const counted: KvBatch = Object.assign(Object.create(store) as KvBatch, {
      capabilities: store.capabilities,
      get: store.get.bind(store),
      exists: store.exists.bind(store),
      list: store.list.bind(store),
      batch: (...args: Parameters<KvBatch['batch']>) => {
        batches++
        return store.batch(...args)
      },
    })
    const kv = await openGit(counted)
    const writes = Array.from({ length: 20 }, (_, i) => kv.set(`/${i % 5}`, bytes(`${i}`)))
    const refused = kv.set('/0/below', bytes('x')).catch(errorCode)
    await Promise.all(writes)
    expect(await refused).toBe('KV_DICTIONARY_EXPECTED')
    expect(batches).toBe(1)
    expect(await messages(kv)).toHaveLength(20)
  })

  it('through two handles of one branch lose nothing', async () => {
    const store = createMem()
    const handles = await Promise.all([openGit(store), openGit(store)])
    await Promise.all(
      handles.flatMap((kv, h) => Array.from({ length: 10 }, (_, i) => kv.set(`/${h}-${i}`, bytes('x')))),
    )
    expect(await handles[0].list('/')).toHaveLength(20)
    expect(await messages(handles[1])).toHaveLength(20)
  })

  it('refuse keys that stand for .git, wherever they would put them', async () => {
    const kv = await openGit(createMem())
    await kv.set('/v', bytes('v'))
    for (const key of ['/.git', '/a/.GIT/b', '/git~1', '/.git ']) {
      await expect(kv.set(key, bytes('x'))).rejects.toMatchObject({ code: 'KV_KEY_INVALID' })
      await expect(kv.rename('/v', key)).rejects.toMatchObject({ code: 'KV_KEY_INVALID' })
      await expect(kv.allocate(key, 1)).rejects.toMatchObject({ code: 'KV_KEY_INVALID' })
      await expect(kv.setPartial(key, 0, bytes('x'))).rejects.toMatchObject({ code: 'KV_KEY_INVALID' })
      expect(await kv.get(key)).toBeUndefined()
    }
  })

  it('larger than a batch of the store below go there in parts, the branch last', async () => {
    const kv = await openGit(createMem({ maxBatchOps: 10, maxBatchBytes: 2000, maxValueBytes: 1900 }))
    await kv.batch(Array.from({ length: 100 }, (_, i) => ({ op: 'set', key: `/d${i % 9}/${i}`, value: bytes(`${i}`) })))
    expect(await kv.list('/d0')).toHaveLength(12)
    const noise = incompressible(1900)
    await expect(kv.set('/large', noise.slice(0, kv.capabilities.maxValueBytes + 1))).rejects.toMatchObject({
      code: 'KV_TOO_LARGE',
    })
    await kv.set('/large', noise.slice(0, kv.capabilities.maxValueBytes))
    // A tree of so many entries is too large itself.
    const many = Array.from({ length: 100 }, (_, i) => ({
      op: 'set' as const,
      key: `/many/${i}`,
      value: bytes(`${i}`),
    }))
    await expect(kv.batch(many)).rejects.toMatchObject({ code: 'KV_TOO_LARGE' })
    expect(await kv.exists('/many')).toBeUndefined()
  })

  it('reject as the store below does, with its error as the cause', async () => {
    const kv = await openGit(createMem({ maxBytes: 3000 }))
    await kv.set('/v', bytes('v'))
    const noise = incompressible(4000)
    const error = await kv.set('/large', noise).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'KV_NO_SPACE', cause: { code: 'KV_NO_SPACE' } })
    expect(text(await kv.get('/v'))).toBe('v')
  })
})

describe('opening', () => {
  it('refuses what it cannot be sure to read', async () => {
    const cases: Array<[string, Record<string, string>]> = [
      ['KV_NOT_SUPPORTED', { '/config': '[extensions]\n\tobjectFormat = sha256\n' }],
      ['KV_NOT_SUPPORTED', { '/config': '[extensions]\n\trefStorage = reftable\n' }],
      ['KV_NOT_SUPPORTED', { '/HEAD': `${'a'.repeat(40)}\n` }],
    ]
    for (const [code, files] of cases) {
      const store = createMem()
      for (const [key, value] of Object.entries(files)) await store.set(key, bytes(value))
      await expect(openGit(store)).rejects.toMatchObject({ code })
    }
    await expect(openGit(createMem(), { branch: 'a..b' })).rejects.toThrow(RangeError)
    await expect(openGit(createMem(), { author: { name: '', email: '' } })).rejects.toThrow(RangeError)
    await expect(openGit({} as KvBatch)).rejects.toThrow(TypeError)
  })

  it('finds a broken repository when it is read', async () => {
    const store = createMem()
    const kv = await openGit(store)
    await kv.set('/v', bytes('v'))
    const id = hex(await kv.digest('/v'))
    await store.set(`/objects/${id.slice(0, 2)}/${id.slice(2)}`, bytes('nonsense'))
    await expect(kv.get('/v')).rejects.toMatchObject({ code: 'KV_CORRUPT' })
    await store.remove(`/objects/${id.slice(0, 2)}/${id.slice(2)}`)
    await expect(kv.get('/v')).rejects.toMatchObject({ code: 'KV_CORRUPT' })
    await store.set('/refs/heads/main', bytes('nonsense'))
    await expect(kv.list('/')).rejects.toMatchObject({ code: 'KV_CORRUPT' })
  })
})

/** What is in the branch, with its history, in a store of its own. */
async function copyOf(kv: GitStore): Promise<KvBatch> {
  const store = createMem()
  const copy = await openGit(store, { now: ticking(0) })
  const commits = []
  for await (const commit of kv.log()) if (commit.parents.length < 2) commits.unshift(commit)
  for (const { id, author, message } of commits) {
    const at = await kv.at(id)
    const ops = (await at.list('/')).map(async ([key]) => ({ op: 'set' as const, key, value: (await at.get(key))! }))
    const one = await openGit(store, { now: () => author.timeMs })
    await one.batch(await Promise.all(ops), { message })
  }
  await copy.disconnect()
  return store
}
