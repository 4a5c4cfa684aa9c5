import { concatBytes } from '@fata/bytes'
import type { Flow } from '../flow.ts'
import { codeOf, same, sameBytes } from './check.ts'
import type { Rule } from './rule.ts'
import { pattern, type Scene } from './scene.ts'

async function endsForEver(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(a.write(pattern(100)), 'write')
  await scene.settle(a.shutdown(), 'shutdown')
  sameBytes(await scene.readToEnd(b, 'read'), pattern(100), 'bytes before the end')
  for (let i = 0; i < 3; i++) same(await scene.settle(b.read(), 'read behind the end'), null, 'read behind the end')
}

async function endsPendingReads(scene: Scene): Promise<void> {
  const reads = [scene.start(scene.b.read()), scene.start(scene.b.read())]
  await scene.idle()
  await scene.settle(scene.a.shutdown(), 'shutdown')
  for (const read of reads) same(await scene.settle(read, 'read that waits'), null, 'read that waits')
}

async function leavesReading(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(a.shutdown(), 'shutdown of a')
  same(await scene.settle(b.read(), 'read of b'), null, 'read of b')
  const answer = pattern(30_000)
  const write = scene.start(b.write(answer.slice()))
  sameBytes(await scene.read(a, answer.length, 'the answer'), answer, 'the answer')
  await scene.settle(write, 'write after the end of the other direction')
  await scene.settle(b.shutdown(), 'shutdown of b')
  same(await scene.settle(a.read(), 'read of a'), null, 'read of a')
}

async function endsBothWays(scene: Scene): Promise<void> {
  await scene.settle(scene.a.shutdown(), 'shutdown of a')
  same(await scene.settle(scene.b.read(), 'read of b'), null, 'read of b')
  const read = await scene.outcomeOf(scene.a.read())
  if (read.kind === 'value') same(read.value, null, 'read of a, which does not support halfClose')
  else same(read.kind, 'error', 'read of a, which does not support halfClose')
}

async function refusesWrites(scene: Scene, end: (flow: Flow) => Promise<void>): Promise<void> {
  const { a } = scene
  const ending = scene.start(end(a))
  const first = await scene.failure(a.write(Uint8Array.of(1)), 'write at once')
  same(codeOf(first, 'write at once'), 'ERR_FLOW_CLOSED', 'code of a write at once')
  await scene.settle(ending, 'the end')
  const later = await scene.failure(a.write(Uint8Array.of(1)), 'write later')
  same(codeOf(later, 'write later'), 'ERR_FLOW_CLOSED', 'code of a write later')
}

async function sendsBeforeEnd(scene: Scene, end: (flow: Flow) => Promise<void>): Promise<void> {
  const { a, b } = scene
  const chunks = [pattern(50_000, 1), pattern(60_000, 2), pattern(70_000, 3)]
  for (const chunk of chunks) scene.start(a.write(chunk.slice()))
  const ending = scene.start(end(a))
  sameBytes(await scene.readToEnd(b, 'read'), concatBytes(chunks), 'what was written before the end')
  await scene.settle(ending, 'the end')
}

async function shutsDownAgain(scene: Scene): Promise<void> {
  const { a, b } = scene
  const both = [scene.start(a.shutdown()), scene.start(a.shutdown())]
  same(await scene.settle(b.read(), 'read'), null, 'read')
  for (const shutdown of both) await scene.settle(shutdown, 'shutdown, twice at once')
  await scene.settle(a.shutdown(), 'shutdown again')
  same(await scene.settle(b.read(), 'read'), null, 'read after the second shutdown')
}

async function closesAgain(scene: Scene): Promise<void> {
  const { a, b } = scene
  const both = [scene.start(a.close()), scene.start(a.close())]
  same(await scene.settle(b.read(), 'read'), null, 'read')
  await scene.settle(b.close(), 'close of the other end')
  for (const close of both) await scene.settle(close, 'close, twice at once')
  await scene.settle(a.close(), 'close again')
}

async function endsReading(scene: Scene): Promise<void> {
  const { a, b } = scene
  const read = scene.start(a.read())
  await scene.idle()
  const closing = scene.start(a.close())
  same(await scene.settle(read, 'read that waits while the flow is closed'), null, 'read that waits')
  same(await scene.settle(a.read(), 'read after close'), null, 'read after close')
  await scene.settle(b.close(), 'close of the other end')
  await scene.settle(closing, 'close')
}

async function discardsWhatCame(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(b.write(pattern(1000)), 'write')
  await scene.idle()
  const closing = scene.start(a.close())
  same(await scene.settle(a.read(), 'read after close'), null, 'read after close')
  scene.start(b.close())
  await scene.settle(closing, 'close with unread bytes')
}

async function closesWhileNobodyReads(scene: Scene): Promise<void> {
  const { a } = scene
  const writes: Promise<void>[] = []
  for (let i = 0; i < 20; i++) writes.push(a.write(new Uint8Array(1_000_000)))
  const settled = scene.start(Promise.allSettled(writes))
  const closing = scene.start(a.close())
  await scene.idle()
  a.abort()
  await scene.settle(closing, 'close of a flow that is aborted')
  await scene.settle(settled, 'writes of a flow that is aborted')
}

async function closesAfterAbort(scene: Scene): Promise<void> {
  const { a, b } = scene
  a.abort()
  await scene.settle(a.close(), 'close after abort')
  await scene.settle(b.close(), 'close after the other end has aborted')
}

const shutdown = (flow: Flow): Promise<void> => flow.shutdown()
const close = (flow: Flow): Promise<void> => flow.close()

export const endRules: readonly Rule[] = [
  { name: 'gives null for ever after the end', run: endsForEver },
  { name: 'gives null to every read that waits when the end comes', run: endsPendingReads },
  { name: 'shutdown leaves the other direction open', needs: 'halfClose', run: leavesReading },
  { name: 'without support for it, shutdown ends both directions', lacks: 'halfClose', run: endsBothWays },
  { name: 'shutdown sends what was written before', run: (scene) => sendsBeforeEnd(scene, shutdown) },
  { name: 'refuses writes after shutdown with ERR_FLOW_CLOSED', run: (scene) => refusesWrites(scene, shutdown) },
  { name: 'shutdown may be called again, at once and later', run: shutsDownAgain },
  { name: 'close sends what was written before', run: (scene) => sendsBeforeEnd(scene, close) },
  { name: 'refuses writes after close with ERR_FLOW_CLOSED', run: (scene) => refusesWrites(scene, close) },
  { name: 'close ends reading, also for a read that waits', run: endsReading },
  { name: 'close discards what has come', run: discardsWhatCame },
  { name: 'close may be called again, at once and later', run: closesAgain },
  { name: 'close ends by abort when the peer does not read', run: closesWhileNobodyReads },
  { name: 'close does not reject after abort, on either end', run: closesAfterAbort },
]
