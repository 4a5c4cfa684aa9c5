import { createServer, type Server } from 'node:http'
import { type KvSupports, sequences, suite } from '@fata/kv/conformance'
import { createMem } from '@fata/kv-mem'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openEtcd } from '../src/index.ts'
import { type Cluster, cannotRun, freePorts, startCluster } from './cluster.ts'

const supports: KvSupports = {
  write: true,
  remove: true,
  batch: true,
  watch: true,
  snapshot: true,
  reopen: true,
  exclusive: false,
}

let cluster: Cluster
let unused: number
let website: Server
let places = 0

const badPlaces = [
  { name: 'where nobody listens', connect: () => openEtcd(`http://127.0.0.1:${unused}`, { retryMs: 1 }) },
  { name: 'a website', connect: () => openEtcd(`http://127.0.0.1:${(website.address() as { port: number }).port}`) },
  { name: 'a name that is none', connect: () => openEtcd('http://nowhere.invalid:2379', { retryMs: 1, attempts: 2 }) },
]

describe.skipIf(cannotRun('conformance of kv-etcd'))('kv-etcd', () => {
  beforeAll(async () => {
    cluster = await startCluster()
    unused = (await freePorts(1))[0]!
    website = createServer((_, response) => response.writeHead(404).end('not here')).listen(0, '127.0.0.1')
  }, 60_000)
  afterAll(async () => {
    website?.close()
    await cluster?.stop()
  })

  suite({
    describe,
    it,
    supports,
    effort: 0.05,
    lagAfter: 3000,
    badPlaces,
    create: async ({ now }) => {
      const prefix = `place ${places++}`
      return { connect: () => openEtcd(cluster.urls, { prefix, now, maxQueuedChanges: 2000 }) }
    },
  })
})

describe.skipIf(cannotRun('conformance of snapshots of kv-etcd'))('snapshot of kv-etcd', () => {
  beforeAll(async () => {
    cluster = await startCluster()
  }, 60_000)
  afterAll(() => cluster?.stop())

  suite({
    describe,
    it,
    supports: { ...supports, write: false, remove: false, batch: false, watch: false, snapshot: false },
    create: async ({ now, content }) => {
      const kv = await openEtcd(cluster.urls, { prefix: `place ${places++}`, now })
      const { maxValueBytes } = kv.capabilities
      for (const [key, value] of content) if (value.length <= maxValueBytes) await kv.set(key, value)
      return { connect: () => kv.snapshot(), dispose: () => kv.disconnect() }
    },
  })
})

describe.skipIf(cannotRun('kv-etcd beside its model'))('kv-etcd beside its model', () => {
  beforeAll(async () => {
    cluster = await startCluster()
  }, 60_000)
  afterAll(() => cluster?.stop())

  sequences({
    describe,
    it,
    supports,
    sequences: 100,
    model: () => createMem(),
    create: async ({ now }) => {
      const prefix = `place ${places++}`
      return { connect: () => openEtcd(cluster.urls, { prefix, now }) }
    },
  })
})
