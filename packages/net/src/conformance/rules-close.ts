import { same, throws } from './check.ts'
import { incoming, outgoing, shortest } from './frames.ts'
import type { Rule } from './rule.ts'
import { type Scene, sameFrames } from './scene.ts'

async function refusesWrites(scene: Scene): Promise<void> {
  const { net } = scene
  const closing = net.close()
  let calls = 0
  const fill = (): number => ++calls
  throws(() => net.write(shortest(net), fill), 'ERR_NET_CLOSED', 'write after close was called')
  await closing
  throws(() => net.write(shortest(net), fill), 'ERR_NET_CLOSED', 'write after close has resolved')
  same(calls, 0, 'calls of fill')
  await scene.settle()
  sameFrames(scene.sent, [], 'sent')
}

async function closesTwice(scene: Scene): Promise<void> {
  const { net } = scene
  await Promise.all([net.close(), net.close()])
  await net.close()
}

async function sendsWhatWasWritten(scene: Scene): Promise<void> {
  const { net } = scene
  const frames = [1, 2, 3].map((id) => outgoing(net, id, shortest(net) + id))
  for (const frame of frames) scene.write(frame)
  const closing = net.close()
  await scene.settle()
  await closing
  sameFrames(scene.sent, frames, 'sent')
}

async function endsReception(scene: Scene): Promise<void> {
  const { net } = scene
  const delivered = scene.listen()
  scene.inject(incoming(net, 1, shortest(net)))
  await scene.settle()
  delivered.calls = ''
  scene.inject(incoming(net, 2, shortest(net)))
  const before = delivered.calls
  const closing = net.close()
  injectIntoClosed(scene, incoming(net, 3, shortest(net)))
  await scene.settle()
  await closing
  same(delivered.calls, before, 'calls of the listener after close')
}

async function closesInsideListener(scene: Scene): Promise<void> {
  const { net } = scene
  const delivered = scene.listen()
  delivered.onFrame = () => void net.close()
  const frame = incoming(net, 1, shortest(net))
  injectIntoClosed(scene, frame, incoming(net, 2, shortest(net)))
  await scene.settle()
  injectIntoClosed(scene, frame)
  await scene.settle()
  sameFrames(delivered.frames, [frame], 'delivered')
  same(delivered.calls, 'f', 'calls of the listener')
}

/** The other end of a closed device may refuse to send. */
function injectIntoClosed(scene: Scene, ...frames: Uint8Array[]): void {
  try {
    scene.inject(...frames)
  } catch {}
}

export const closeRules: readonly Rule[] = [
  { name: 'refuses writes from the call of close on', run: refusesWrites },
  { name: 'may be closed again, at once and later', run: closesTwice },
  { name: 'sends what was written before close', run: sendsWhatWasWritten },
  { name: 'calls no listener after close', run: endsReception },
  { name: 'may be closed by its listener', run: closesInsideListener },
]
