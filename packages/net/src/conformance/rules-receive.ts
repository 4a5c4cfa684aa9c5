import { resetNetStats } from '../stats.ts'
import { check, same } from './check.ts'
import { incoming, longest, outgoing, shortest } from './frames.ts'
import type { Rule } from './rule.ts'
import { type Scene, sameFrames } from './scene.ts'

function sameCount(scene: Scene, actual: number, expected: number, what: string): void {
  if (scene.quiet) same(actual, expected, what)
  else check(actual >= expected, `${what}: expected at least ${expected}, got ${actual}`)
}

async function deliversFrames(scene: Scene): Promise<void> {
  const { net } = scene
  const delivered = scene.listen()
  const frames = [shortest(net), longest(net), shortest(net) + 1].map((length, i) => incoming(net, i + 1, length))
  scene.inject(...frames)
  await scene.settle()
  const one = incoming(net, 4, shortest(net) + 2)
  scene.inject(one)
  await scene.settle()
  sameFrames(delivered.frames, [...frames, one], 'delivered')
  for (const { meta } of delivered.frames) {
    same(meta.gso, 'none', 'gso of a plain frame')
    check(meta.checksum !== 'partial', 'the checksum of a plain frame is not partial')
  }
}

async function endsBatches(scene: Scene): Promise<void> {
  const { net } = scene
  const delivered = scene.listen()
  for (let batch = 0; batch < 3; batch++) {
    delivered.calls = ''
    scene.inject(incoming(net, 1, shortest(net)), incoming(net, 2, longest(net)))
    await scene.settle()
    check(/^e*fe*fe+$/.test(delivered.calls), `frames (f) and ends of batches (e) came as '${delivered.calls}'`)
  }
}

async function takesListenerWithoutBatchEnd(scene: Scene): Promise<void> {
  const { net } = scene
  let frames = 0
  net.listen({ frame: () => void frames++ })
  scene.inject(incoming(net, 1, shortest(net)), incoming(net, 2, shortest(net)))
  await scene.settle()
  sameCount(scene, frames, 2, 'frames')
}

async function dropsWithoutListener(scene: Scene): Promise<void> {
  const { net } = scene
  scene.inject(incoming(net, 1, shortest(net)), incoming(net, 2, shortest(net)))
  await scene.settle()
  sameCount(scene, net.stats.rxDropped['no-listener'] ?? 0, 2, "rxDropped['no-listener']")
  if (scene.quiet) same(net.stats.rxFrames, 0, 'rxFrames')
  const delivered = scene.listen()
  const later = incoming(net, 3, shortest(net))
  scene.inject(later)
  await scene.settle()
  sameFrames(delivered.frames, [later], 'delivered to the listener')
}

async function replacesListener(scene: Scene): Promise<void> {
  const { net } = scene
  const first = scene.listen()
  const one = incoming(net, 1, shortest(net))
  scene.inject(one)
  await scene.settle()
  const second = scene.listen()
  const two = incoming(net, 2, shortest(net))
  scene.inject(two)
  await scene.settle()
  sameFrames(first.frames, [one], 'delivered to the first listener')
  sameFrames(second.frames, [two], 'delivered to the second listener')
}

async function neverInsideWrite(scene: Scene): Promise<void> {
  const { net } = scene
  const delivered = scene.listen()
  const answer = incoming(net, 9, shortest(net))
  scene.onSent = () => scene.inject(answer)
  scene.inject(answer)
  scene.write(outgoing(net, 1, shortest(net)))
  scene.write(outgoing(net, 2, longest(net)))
  await scene.settle()
  await scene.settle()
  same(scene.violations, 0, 'listener calls inside of a write')
  sameFrames(delivered.frames, [answer, answer, answer], 'delivered')
}

async function letsListenersWrite(scene: Scene): Promise<void> {
  const { net } = scene
  const reply = outgoing(net, 7, shortest(net) + 3)
  const delivered = scene.listen()
  delivered.onFrame = () => scene.write(reply)
  const frame = incoming(net, 1, longest(net))
  scene.inject(frame, frame)
  await scene.settle()
  await scene.settle()
  sameFrames(delivered.frames, [frame, frame], 'delivered')
  sameFrames(scene.sent, [reply, reply], 'sent by the listener')
  same(scene.violations, 0, 'listener calls inside of a write')
}

async function countsReceived(scene: Scene): Promise<void> {
  const { net } = scene
  scene.listen()
  const frame = incoming(net, 1, shortest(net) + 9)
  scene.inject(frame, frame)
  await scene.settle()
  sameCount(scene, net.stats.rxFrames, 2, 'rxFrames')
  sameCount(scene, net.stats.rxBytes, 2 * frame.length, 'rxBytes')
  resetNetStats(net.stats)
  scene.inject(frame)
  await scene.settle()
  sameCount(scene, net.stats.rxFrames, 1, 'rxFrames after resetNetStats')
}

export const receiveRules: readonly Rule[] = [
  { name: 'delivers what arrives, whole and in order', run: deliversFrames },
  { name: 'calls batchEnd behind every batch', run: endsBatches },
  { name: 'takes a listener without batchEnd', run: takesListenerWithoutBatchEnd },
  { name: 'drops and counts what finds no listener', run: dropsWithoutListener },
  { name: 'lets a second listener replace the first', run: replacesListener },
  { name: 'never calls a listener inside of a write', run: neverInsideWrite },
  { name: 'lets a listener write', run: letsListenersWrite },
  { name: 'counts frames and bytes received', run: countsReceived },
]
