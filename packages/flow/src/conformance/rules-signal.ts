import { concatBytes } from '@fata/bytes'
import { check, same, sameBytes } from './check.ts'
import type { Rule } from './rule.ts'
import { pattern, type Scene } from './scene.ts'

async function readsNothing(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(a.write(Uint8Array.of(1, 2)), 'write')
  await scene.idle()
  const reason = new Error('no time')
  const signal = AbortSignal.abort(reason)
  same(await scene.failure(b.read({ signal }), 'read with an aborted signal'), reason, 'reason of the read')
  sameBytes(await scene.read(b, 2, 'the bytes after it'), Uint8Array.of(1, 2), 'the bytes after it')
}

async function writesNothing(scene: Scene): Promise<void> {
  const { a, b } = scene
  const reason = new Error('no time')
  const write = a.write(Uint8Array.of(1), { signal: AbortSignal.abort(reason) })
  same(await scene.failure(write, 'write with an aborted signal'), reason, 'reason of the write')
  await scene.settle(a.write(Uint8Array.of(2)), 'write')
  sameBytes(await scene.read(b, 1, 'what was written'), Uint8Array.of(2), 'what was written')
}

async function abandonsRead(scene: Scene): Promise<void> {
  const { a, b } = scene
  const abort = new AbortController()
  const reads = [
    scene.start(b.read()),
    scene.start(b.read({ signal: abort.signal })),
    scene.start(b.read({ signal: new AbortController().signal })),
  ] as const
  await scene.idle()
  const reason = new Error('no time')
  abort.abort(reason)
  same(await scene.failure(reads[1], 'read that was given up'), reason, 'reason of the read')
  await scene.settle(a.write(Uint8Array.of(1)), 'write')
  sameBytes((await scene.settle(reads[0], 'the read before it')) ?? new Uint8Array(0), Uint8Array.of(1), 'first read')
  await scene.settle(a.write(Uint8Array.of(2)), 'write')
  sameBytes((await scene.settle(reads[2], 'the read after it')) ?? new Uint8Array(0), Uint8Array.of(2), 'third read')
}

async function abandonsWrite(scene: Scene): Promise<void> {
  const { a, b } = scene
  const abort = new AbortController()
  const chunks: Uint8Array[] = []
  const writes = Array.from({ length: 20 }, (_, i) => {
    chunks.push(pattern(1_000_000, i))
    return scene.start(a.write(chunks[i]!.slice(), { signal: abort.signal }))
  })
  await scene.idle()
  const waiting = writes.filter((write) => write.outcome.kind === 'pending')
  check(waiting.length > 0, '20 MB were taken from the writer and nobody reads')
  const reason = new Error('no time')
  abort.abort(reason)
  for (const write of waiting)
    same(await scene.failure(write, 'write that was given up'), reason, 'reason of the write')
  scene.start(a.shutdown())
  sameBytes(await scene.readToEnd(b, 'read'), concatBytes(chunks), 'what writes that were given up had handed over')
}

async function ignoresLateAbort(scene: Scene): Promise<void> {
  const { a, b } = scene
  const abort = new AbortController()
  const { signal } = abort
  await scene.settle(a.write(Uint8Array.of(1), { signal }), 'write')
  await scene.settle(b.read({ signal }), 'read')
  abort.abort(new Error('late'))
  await scene.settle(a.write(Uint8Array.of(2)), 'write after a late abort')
  sameBytes(await scene.read(b, 1, 'read after a late abort'), Uint8Array.of(2), 'read after a late abort')
}

export const signalRules: readonly Rule[] = [
  { name: 'reads nothing with a signal that is aborted', run: readsNothing },
  { name: 'writes nothing with a signal that is aborted', run: writesNothing },
  { name: 'gives up a read that waits, and loses nothing', run: abandonsRead },
  { name: 'gives up a write that waits, which has been accepted', run: abandonsWrite },
  { name: 'stays as it is when a signal is aborted too late', run: ignoresLateAbort },
]
