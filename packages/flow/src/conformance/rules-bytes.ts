import { concatBytes } from '@fata/bytes'
import type { Flow } from '../flow.ts'
import { check, same, sameBytes } from './check.ts'
import type { Rule } from './rule.ts'
import { pattern, type Scene } from './scene.ts'

const LENGTHS = [1, 2, 1000, 1, 5000, 1448, 1460, 20_000, 3]
const LARGE = 1_500_000
/** No flow should hold so much for a reader that does not read. */
const UNREASONABLE = 64 * 1024 * 1024

async function writeAll(flow: Flow, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) await flow.write(chunk)
}

async function carriesBothWays(scene: Scene): Promise<void> {
  const { a, b } = scene
  const east = LENGTHS.map((length, i) => pattern(length, i + 1))
  const west = LENGTHS.map((length, i) => pattern(length * 2, i + 100))
  const [eastBytes, westBytes] = [concatBytes(east), concatBytes(west)]
  const writes = [scene.start(writeAll(a, east)), scene.start(writeAll(b, west))]
  const reads = [
    scene.start(scene.read(b, eastBytes.length, 'from a to b')),
    scene.start(scene.read(a, westBytes.length, 'from b to a')),
  ] as const
  for (const write of writes) await scene.settle(write, 'write')
  sameBytes(await scene.settle(reads[0], 'from a to b'), eastBytes, 'from a to b')
  sameBytes(await scene.settle(reads[1], 'from b to a'), westBytes, 'from b to a')
}

async function keepsWriteOrder(scene: Scene): Promise<void> {
  const chunks = Array.from({ length: 40 }, (_, i) => pattern((i * 37) % 300, i + 1))
  const writes = chunks.map((chunk) => scene.start(scene.a.write(chunk)))
  const expected = concatBytes(chunks)
  sameBytes(await scene.read(scene.b, expected.length, 'concurrent writes'), expected, 'concurrent writes')
  for (const write of writes) await scene.settle(write, 'a concurrent write')
}

async function keepsReadOrder(scene: Scene): Promise<void> {
  const reads = [1, 2, 3, 4].map(() => scene.start(scene.b.read()))
  await scene.idle()
  for (const [i, read] of reads.entries()) {
    same(read.outcome.kind, 'pending', `read ${i + 1}, for which nothing has come`)
    await scene.settle(scene.a.write(Uint8Array.of(i)), 'write')
    const chunk = await scene.settle(read, `read ${i + 1} of 4 at once`)
    check(chunk !== null && chunk.length === 1 && chunk[0] === i, `read ${i + 1} of 4 got what belongs to another one`)
  }
}

async function skipsEmptyChunks(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(a.write(new Uint8Array(0)), 'write of nothing')
  const read = scene.start(b.read())
  await scene.idle()
  same(read.outcome.kind, 'pending', 'read after a write of nothing')
  await scene.settle(a.write(new Uint8Array(0)), 'write of nothing')
  await scene.settle(a.write(Uint8Array.of(7)), 'write')
  sameBytes((await scene.settle(read, 'read')) ?? new Uint8Array(0), Uint8Array.of(7), 'read')
}

async function carriesLargeChunk(scene: Scene): Promise<void> {
  const chunk = pattern(LARGE)
  const write = scene.start(scene.a.write(chunk.slice()))
  sameBytes(await scene.read(scene.b, LARGE, 'a large chunk'), chunk, 'a large chunk')
  await scene.settle(write, 'write of a large chunk')
}

async function givesChunksAway(scene: Scene): Promise<void> {
  const { a, b } = scene
  const sent = pattern(200_000)
  const write = scene.start(writeAll(a, [sent.slice(0, 70_000), sent.slice(70_000)]))
  const kept: Uint8Array[] = []
  const copies: Uint8Array[] = []
  for (let missing = sent.length; missing > 0; ) {
    const chunk = await scene.settle(b.read(), 'read')
    check(chunk !== null, `the end came with ${missing} bytes to come`)
    missing -= chunk.length
    copies.push(chunk.slice())
    // Every other chunk is overwritten, as its owner may; what comes later must not suffer.
    if (kept.length % 2 === 1) chunk.fill(0xa5)
    kept.push(chunk)
  }
  await scene.settle(write, 'write')
  sameBytes(concatBytes(copies), sent, 'chunks when they were read')
  kept.forEach((chunk, i) => {
    const expected = i % 2 === 1 ? new Uint8Array(chunk.length).fill(0xa5) : copies[i]!
    sameBytes(chunk, expected, `chunk ${i + 1} of ${kept.length} after later reads`)
  })
}

async function doesNotWaitForReader(scene: Scene): Promise<void> {
  await scene.settle(scene.a.write(Uint8Array.of(1)), 'a small write that nobody reads')
}

async function hasBackPressure(scene: Scene): Promise<void> {
  const { a, b } = scene
  const chunk = pattern(65536)
  let written = 0
  let write = scene.start(a.write(chunk.slice()))
  for (written += chunk.length; (await scene.outcomeOf(write)).kind === 'value'; written += chunk.length) {
    check(written < UNREASONABLE, `${written} bytes were taken from the writer and nobody reads`)
    write = scene.start(a.write(chunk.slice()))
  }
  same(write.outcome.kind, 'pending', 'a write for which there is no room')
  const all = new Uint8Array(written)
  for (let at = 0; at < written; at += chunk.length) all.set(chunk, at)
  sameBytes(await scene.read(b, written, 'after back-pressure'), all, 'after back-pressure')
  await scene.settle(write, 'the write that waited')
  await scene.settle(a.write(Uint8Array.of(1)), 'a write after back-pressure')
}

export const bytesRules: readonly Rule[] = [
  { name: 'carries bytes unchanged and in order, both ways at once', run: carriesBothWays },
  { name: 'keeps the order of concurrent writes', run: keepsWriteOrder },
  { name: 'serves concurrent reads in order', run: keepsReadOrder },
  { name: 'gives no chunk for a write of nothing', run: skipsEmptyChunks },
  { name: 'carries a chunk larger than any buffer', run: carriesLargeChunk },
  { name: 'gives the bytes of a chunk to the reader for good', run: givesChunksAway },
  { name: 'accepts a small write that nobody reads', run: doesNotWaitForReader },
  { name: 'lets writes wait when nobody reads, and go on when somebody does', run: hasBackPressure },
]
