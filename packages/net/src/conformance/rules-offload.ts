import { createFrameMeta } from '../meta.ts'
import { check, same, throws } from './check.ts'
import { outgoing, shortest } from './frames.ts'
import type { Rule } from './rule.ts'
import { gatherOf, type Scene, sameFrames } from './scene.ts'
import { sameSegments, setPartial, tcpFrame, type Version, writePartial } from './tcp-frames.ts'

async function partialChecksum(scene: Scene): Promise<void> {
  const { net } = scene
  for (const version of [4, 6] as const) {
    const frame = tcpFrame(net, version, Math.min(301, net.mtu - 80))
    scene.sent.length = 0
    if (net.offload.checksum) writePartial(net, frame)
    else throws(() => writePartial(net, frame), 'ERR_NET_UNSUPPORTED', 'a partial checksum that fill sets')
    scene.write(outgoing(net, 1, shortest(net)))
    await scene.settle()
    const plain = scene.sent.pop()
    check(plain !== undefined, 'a plain frame is sent behind')
    sameFrames([plain], [outgoing(net, 1, shortest(net))], 'sent last')
    check(plain.meta.checksum !== 'partial', 'the checksum of a plain frame is not partial')
    same(scene.sent.length, net.offload.checksum ? 1 : 0, 'frames sent with a partial checksum')
    if (net.offload.checksum) sameSegments(scene.sent, frame, frame.bytes.length)
  }
}

async function superFrames(scene: Scene, version: Version): Promise<void> {
  const { net } = scene
  const size = Math.min(1001, net.mtu - 80)
  const frame = tcpFrame(net, version, 7 * size + 1)
  const { checksum } = net.offload
  if (!(version === 4 ? net.offload.tso4 : net.offload.tso6)) {
    const small = tcpFrame(net, version, size)
    throws(() => writePartial(net, small, size - 1), 'ERR_NET_UNSUPPORTED', 'a super-frame')
    await scene.settle()
    sameFrames(scene.sent, [], 'sent')
    return
  }
  check(checksum, 'segmentation offload comes with checksum offload')
  writePartial(net, frame, size)
  await scene.settle()
  check(scene.sent.length > 0, 'a super-frame is sent')
  sameSegments(scene.sent, frame, size)
  const meta = createFrameMeta()
  const headers = frame.bytes.slice(0, frame.data)
  setPartial(meta, frame, 0, size)
  scene.sent.length = 0
  const fill = (buf: Uint8Array, off: number): number => {
    buf.set(headers, off)
    meta.checksumStart = off + frame.tcp
    return headers.length
  }
  net.write(headers.length, fill, meta, gatherOf(frame.bytes.slice(frame.data)))
  await scene.settle()
  sameSegments(scene.sent, frame, size)
}

async function superFrameLimit(scene: Scene): Promise<void> {
  const { net } = scene
  const size = Math.min(1001, net.mtu - 80)
  for (const version of [4, 6] as const) {
    if (!(version === 4 ? net.offload.tso4 : net.offload.tso6)) continue
    const exact = tcpFrame(net, version, 65535 - (version === 4 ? 52 : 72))
    const over = tcpFrame(net, version, exact.bytes.length - exact.data + 1)
    scene.sent.length = 0
    throws(() => writePartial(net, over, size), 'ERR_NET_FRAME_TOO_LONG', 'a super-frame of 65536 bytes of IP packet')
    writePartial(net, exact, size)
    await scene.settle()
    sameSegments(scene.sent, exact, size)
  }
}

async function contradictions(scene: Scene): Promise<void> {
  const { net } = scene
  if (!net.offload.tso4) return
  const frame = tcpFrame(net, 4, net.mtu - 80)
  const meta = createFrameMeta()
  meta.gso = 'tcp4'
  meta.gsoSize = 100
  throws(() => scene.write(frame.bytes, meta), 'TypeError', "a super-frame without checksum 'partial'")
  setPartial(meta, frame, 0, 100)
  meta.gsoSize = 0
  throws(() => scene.write(frame.bytes, meta), 'TypeError', 'a super-frame without gsoSize')
  await scene.settle()
  sameFrames(scene.sent, [], 'sent')
}

export const offloadRules: readonly Rule[] = [
  { name: 'completes or passes on partial checksums, or refuses them', run: partialChecksum },
  { name: 'carries TCP super-frames over IPv4, or refuses them', run: (scene) => superFrames(scene, 4) },
  { name: 'carries TCP super-frames over IPv6, or refuses them', run: (scene) => superFrames(scene, 6) },
  { name: 'carries super-frames of 65535 bytes of IP packet, refuses longer ones', run: superFrameLimit },
  { name: 'refuses metadata that contradicts itself', run: contradictions },
]
