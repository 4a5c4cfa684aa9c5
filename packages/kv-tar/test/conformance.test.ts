import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { concatBytes } from '@fata/bytes'
import { KvError } from '@fata/kv'
import { type KvPlaceRequest, type KvSuiteOptions, type KvSupports, suite } from '@fata/kv/conformance'
import { createMem } from '@fata/kv-mem'
import { afterAll, describe, it } from 'vitest'
import { openTarFile, openTarFileReadOnly } from '../src/file.ts'
import { blobSource, bytesSource, openTar, openTarReadOnly, urlSource, writeTar } from '../src/index.ts'
import { openHandles, temporaryDirectory } from './places.ts'
import { rangeServer } from './range-server.ts'
import { SimDisk } from './sim-file.ts'

const appending: KvSupports = {
  write: true,
  remove: false,
  batch: true,
  watch: false,
  snapshot: false,
  reopen: true,
  exclusive: true,
}
const reading: KvSupports = { ...appending, write: false, batch: false, exclusive: false }
const limits = { maxValueBytes: 8 * 1024 * 1024, maxBatchOps: 1000, maxBatchBytes: 16 * 1024 * 1024 }

const outside = temporaryDirectory()
const servers: Server[] = []
afterAll(async () => {
  for (const server of servers) await new Promise((closed) => server.close(closed))
  outside.remove()
})

function badPlaces(open: (path: string) => Promise<unknown>): NonNullable<KvSuiteOptions['badPlaces']> {
  const directory = join(outside.path, 'directory')
  mkdirSync(directory, { recursive: true })
  const places = ['', '/dev/null', directory, join(outside.path, 'missing'), '/dev/null/below', 'a\0b']
  return places.map((path) => ({ name: JSON.stringify(path), connect: () => open(path) }))
}

/** An archive with the content, as this package writes it. */
async function archiveOf({ content, now }: KvPlaceRequest): Promise<Uint8Array<ArrayBuffer>> {
  const kv = createMem({ now })
  for (const [key, value] of content) await kv.set(key, value)
  const chunks: Uint8Array[] = []
  for await (const chunk of writeTar(kv)) chunks.push(chunk)
  return new Uint8Array(concatBytes(chunks))
}

describe('kv-tar in a file', () => {
  suite({
    describe,
    it,
    supports: appending,
    effort: 0.2,
    badPlaces: badPlaces((path) => openTarFile(path)),
    openHandles,
    create: async ({ now }) => {
      const { path, remove } = temporaryDirectory()
      const file = join(path, 'store.tar')
      return { connect: () => openTarFile(file, { ...limits, now, create: true }), dispose: async () => remove() }
    },
  })
})

describe('kv-tar in a simulated file', () => {
  suite({
    describe,
    it,
    supports: appending,
    create: async ({ now }) => {
      const disk = new SimDisk()
      let isOpen = false
      const close = () => {
        isOpen = false
      }
      const connect = async () => {
        if (isOpen) throw new KvError('KV_LOCKED')
        isOpen = true
        return openTar({ ...disk.open(), close }, { ...limits, now })
      }
      return { connect }
    },
  })
})

describe('kv-tar in a file, read only', () => {
  suite({
    describe,
    it,
    supports: reading,
    badPlaces: badPlaces((path) => openTarFileReadOnly(path)),
    openHandles,
    create: async (request) => {
      const { path, remove } = temporaryDirectory()
      const file = join(path, 'store.tar')
      writeFileSync(file, await archiveOf(request))
      return { connect: () => openTarFileReadOnly(file), dispose: async () => remove() }
    },
  })
})

describe('kv-tar in bytes', () => {
  suite({
    describe,
    it,
    supports: reading,
    create: async (request) => {
      const archive = await archiveOf(request)
      return { connect: () => openTarReadOnly(bytesSource(archive)) }
    },
  })
})

describe('kv-tar in a Blob', () => {
  suite({
    describe,
    it,
    supports: reading,
    create: async (request) => {
      const blob = new Blob([await archiveOf(request)])
      return { connect: () => openTarReadOnly(blobSource(blob)) }
    },
  })
})

describe('kv-tar over HTTP', () => {
  suite({
    describe,
    it,
    supports: reading,
    create: async (request) => {
      const archive = await archiveOf(request)
      const server = createServer(rangeServer(() => ({ bytes: archive, etag: '"1"' })))
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
      servers.push(server)
      const { port } = server.address() as { port: number }
      return {
        connect: () => openTarReadOnly(urlSource(`http://127.0.0.1:${port}/`)),
        dispose: async () => server.closeAllConnections(),
      }
    },
  })
})
