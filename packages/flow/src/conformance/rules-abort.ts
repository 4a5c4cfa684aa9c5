import { check, codeOf, same, sameBytes } from './check.ts'
import type { Rule } from './rule.ts'
import type { Scene } from './scene.ts'

async function rejectsWithReason(scene: Scene): Promise<void> {
  const { a } = scene
  const read = scene.start(a.read())
  await scene.idle()
  const reason = new Error('enough')
  a.abort(reason)
  same(await scene.failure(read, 'read that waits'), reason, 'reason of a read that waits')
  same(await scene.failure(a.read(), 'read'), reason, 'reason of a later read')
  same(await scene.failure(a.write(Uint8Array.of(1)), 'write'), reason, 'reason of a later write')
  same(await scene.failure(a.shutdown(), 'shutdown'), reason, 'reason of a later shutdown')
}

async function rejectsWaitingWrites(scene: Scene): Promise<void> {
  const { a } = scene
  const writes = Array.from({ length: 20 }, () => scene.start(a.write(new Uint8Array(1_000_000))))
  await scene.idle()
  const waiting = writes.filter((write) => write.outcome.kind === 'pending')
  check(waiting.length > 0, '20 MB were taken from the writer and nobody reads')
  const reason = new Error('enough')
  a.abort(reason)
  for (const write of waiting)
    same(await scene.failure(write, 'write that waits'), reason, 'reason of a write that waits')
}

async function discardsUnread(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(b.write(Uint8Array.of(1, 2, 3)), 'write')
  await scene.settle(b.shutdown(), 'shutdown')
  await scene.idle()
  const reason = new Error('enough')
  a.abort(reason)
  same(await scene.failure(a.read(), 'read'), reason, 'read of what came before the abort')
}

async function tellsPeer(scene: Scene): Promise<void> {
  const { a, b } = scene
  const read = scene.start(b.read())
  await scene.idle()
  a.abort(new Error('enough'))
  const first = await scene.failure(read, 'read of the other end')
  codeOf(first, 'read of the other end')
  same(await scene.failure(b.read(), 'second read'), first, 'error of the second read')
  same(await scene.failure(b.write(Uint8Array.of(1)), 'write'), first, 'error of a write')
}

async function endsPeer(scene: Scene): Promise<void> {
  const { a, b } = scene
  const read = scene.start(b.read())
  await scene.idle()
  a.abort(new Error('enough'))
  same(await scene.settle(read, 'read of the other end, which does not support reset'), null, 'read of the other end')
}

async function keepsWhatArrived(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(a.write(Uint8Array.of(1, 2, 3)), 'write')
  await scene.idle()
  a.abort(new Error('enough'))
  await scene.idle()
  sameBytes(await scene.read(b, 3, 'what arrived before the abort'), Uint8Array.of(1, 2, 3), 'what arrived')
  codeOf(await scene.failure(b.read(), 'read behind it'), 'read behind it')
}

async function hasDefaultReason(scene: Scene): Promise<void> {
  scene.a.abort()
  codeOf(await scene.failure(scene.a.read(), 'read'), 'read after abort without a reason')
}

async function abortsAgain(scene: Scene): Promise<void> {
  const { a } = scene
  const reason = new Error('first')
  a.abort(reason)
  a.abort(new Error('second'))
  a.abort()
  same(await scene.failure(a.read(), 'read'), reason, 'reason after three aborts')
}

async function abortsAfterClose(scene: Scene): Promise<void> {
  const { a, b } = scene
  const closing = [scene.start(a.close()), scene.start(b.close())]
  for (const close of closing) await scene.settle(close, 'close')
  a.abort(new Error('late'))
  await scene.settle(a.close(), 'close after a late abort')
  same(await scene.settle(b.read(), 'read of the other end'), null, 'read of the other end')
}

export const abortRules: readonly Rule[] = [
  { name: 'rejects what waits and what follows with the reason', run: rejectsWithReason },
  { name: 'rejects writes that wait for room', run: rejectsWaitingWrites },
  { name: 'discards what has come and is not read', run: discardsUnread },
  { name: 'shows the peer one error with a code', needs: 'reset', run: tellsPeer },
  { name: 'without support for it, the peer sees an end', lacks: 'reset', run: endsPeer },
  { name: 'leaves to the peer what had arrived', needs: 'reset', run: keepsWhatArrived },
  { name: 'has a reason with a code by default', run: hasDefaultReason },
  { name: 'keeps the first reason', run: abortsAgain },
  { name: 'does nothing after close', run: abortsAfterClose },
]
