import { check, same, throws } from './check.ts'
import { fillWith, longest, outgoing, shortest } from './frames.ts'
import type { Rule } from './rule.ts'
import { gatherOf, nextTask, type Scene, sameFrames } from './scene.ts'

async function describesItself({ net }: Scene): Promise<void> {
  same(net.mac === undefined, net.medium === 'ip', 'an address exactly where the medium is Ethernet')
  check(((net.mac ?? 0) / 0x100_0000_0000) % 2 < 1, 'the own address is no group address')
  check(Number.isInteger(net.mtu) && net.mtu >= 68 && net.mtu <= 65535, `mtu ${net.mtu} is in 68..65535`)
  const { checksum, tso4, tso6 } = net.offload
  check(checksum || !(tso4 || tso6), 'segmentation offload comes with checksum offload')
  same(net.stats.txFrames + net.stats.rxFrames, 0, 'counters of a fresh device')
}

async function lendsMemory(scene: Scene): Promise<void> {
  const { net } = scene
  const frame = outgoing(net, 1, longest(net))
  let calls = 0
  net.write(frame.length, (buf, off) => {
    calls++
    check(
      Number.isInteger(off) && off >= 0 && off + frame.length <= buf.length,
      'the lent memory has room for size bytes',
    )
    buf.set(frame, off)
    return frame.length
  })
  same(calls, 1, 'calls of fill when write returns')
  await scene.settle()
  sameFrames(scene.sent, [frame], 'sent')
}

async function sendsWhatFillSays(scene: Scene): Promise<void> {
  const { net } = scene
  const frame = outgoing(net, 2, shortest(net) + 5)
  scene.write(outgoing(net, 1, longest(net)))
  const size = longest(net)
  net.write(size, (buf, off) => {
    buf.fill(0xa5, off, off + size)
    buf.set(frame, off)
    return frame.length
  })
  scene.write(outgoing(net, 3, shortest(net)))
  await scene.settle()
  sameFrames(scene.sent, [outgoing(net, 1, longest(net)), frame, outgoing(net, 3, shortest(net))], 'sent')
}

async function refusesLyingFill(scene: Scene): Promise<void> {
  const { net } = scene
  const size = shortest(net)
  throws(() => net.write(size, () => size + 1), 'RangeError', 'fill that claims more than size')
  scene.write(outgoing(net, 1, size))
  await scene.settle()
  sameFrames(scene.sent, [outgoing(net, 1, size)], 'sent afterwards')
}

async function appendsPayload(scene: Scene): Promise<void> {
  const { net } = scene
  const frame = outgoing(net, 1, longest(net))
  const head = shortest(net) + 1
  const ranges = gatherOf(frame.slice(head, head + 3), new Uint8Array(0), frame.slice(head + 3, -1), frame.slice(-1))
  net.write(head, fillWith(frame.slice(0, head)), undefined, ranges)
  const short = outgoing(net, 2, shortest(net) + 7)
  const room = longest(net) - 7
  const tail = gatherOf(short.slice(-7))
  net.write(room, fillWith(short.slice(0, -7)), undefined, tail)
  await scene.settle()
  sameFrames(scene.sent, [frame, short], 'sent')
}

async function readsPayloadInTime(scene: Scene): Promise<void> {
  const frame = outgoing(scene.net, 1, longest(scene.net))
  const head = shortest(scene.net)
  const payload = frame.slice(head)
  scene.write(frame.slice(0, head), undefined, gatherOf(payload))
  await nextTask()
  payload.fill(0xa5)
  await scene.settle()
  sameFrames(scene.sent, [frame], 'sent')
}

async function keepsOrder(scene: Scene): Promise<void> {
  const { net } = scene
  const frames: Uint8Array[] = []
  for (let id = 1; id <= 24; id++) {
    const frame = outgoing(net, id, id % 3 === 0 ? longest(net) : shortest(net) + id)
    frames.push(frame)
    if (id % 2 === 0) scene.write(frame)
    else scene.write(frame.slice(0, 21), undefined, gatherOf(frame.slice(21)))
  }
  await scene.settle()
  sameFrames(scene.sent, frames, 'sent')
}

async function keepsToMtu(scene: Scene): Promise<void> {
  const { net } = scene
  const most = longest(net)
  const long = outgoing(net, 1, most + 1)
  const head = shortest(net)
  throws(() => scene.write(long), 'ERR_NET_FRAME_TOO_LONG', 'a frame of MTU + 1 bytes')
  const rest = gatherOf(long.slice(head))
  throws(() => scene.write(long.slice(0, head), undefined, rest), 'ERR_NET_FRAME_TOO_LONG', 'one with payload')
  same(net.stats.txFrames, 0, 'txFrames after refused frames')
  const exact = outgoing(net, 2, most)
  scene.write(exact)
  scene.write(exact.slice(0, head), undefined, gatherOf(exact.slice(head)))
  await scene.settle()
  sameFrames(scene.sent, [exact, exact], 'sent')
}

async function countsSent(scene: Scene): Promise<void> {
  const { net } = scene
  const frame = outgoing(net, 1, shortest(net) + 9)
  scene.write(frame)
  scene.write(frame.slice(0, 21), undefined, gatherOf(frame.slice(21)))
  net.write(longest(net), fillWith(frame))
  await scene.settle()
  same(net.stats.txFrames, 3, 'txFrames')
  same(net.stats.txBytes, 3 * frame.length, 'txBytes')
  same(Object.values(net.stats.txDropped).length, 0, 'reasons of dropped frames')
}

export const writeRules: readonly Rule[] = [
  { name: 'describes itself: medium, mac, mtu, offload, counters', run: describesItself },
  { name: 'lends memory for size bytes and calls fill once, inside', run: lendsMemory },
  { name: 'sends as many bytes as fill returns, whatever lies behind', run: sendsWhatFillSays },
  { name: 'refuses a fill that claims more than size, and sends nothing', run: refusesLyingFill },
  { name: 'sends the ranges of payload behind what fill wrote', run: appendsPayload },
  { name: 'has read payload when the task is over', run: readsPayloadInTime },
  { name: 'sends frames in the order of write', run: keepsOrder },
  { name: 'carries the MTU exactly; refuses one byte more and sends nothing', run: keepsToMtu },
  { name: 'counts frames and bytes sent', run: countsSent },
]
