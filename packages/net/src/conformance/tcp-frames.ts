import { foldSum, putU16, putU32, sumBytes, u16, u32 } from '@fata/bytes'
import { createFrameMeta, type FrameMeta } from '../meta.ts'
import type { Net } from '../net.ts'
import { check, same, sameBytes } from './check.ts'
import { putIpv4, putLinkHeader, TCP_PORTS } from './frames.ts'
import type { SeenFrame } from './scene.ts'

export type Version = 4 | 6

/** A TCP frame whose checksum is partial. Positions count from its first byte. */
export interface TcpFrame {
  readonly version: Version
  readonly bytes: Uint8Array
  readonly ip: number
  readonly tcp: number
  readonly data: number
}

const SEQ = 0xffff_f000

/** A segment from the device to everybody; FIN, PSH, ACK and CWR are set, and the sequence numbers wrap. */
export function tcpFrame(net: Net, version: Version, payload: number): TcpFrame {
  const ip = net.medium === 'ethernet' ? 14 : 0
  const tcp = ip + (version === 4 ? 20 : 40)
  const data = tcp + 32
  const b = new Uint8Array(data + payload)
  putLinkHeader(net, b, version === 4 ? 0x0800 : 0x86dd)
  if (version === 4) putIpv4(b, ip, b.length, 6)
  else putIpv6(b, ip, b.length - tcp)
  putU32(b, tcp, TCP_PORTS)
  putU32(b, tcp + 4, SEQ)
  putU32(b, tcp + 8, 0x0102_0304)
  putU16(b, tcp + 12, 0x8099)
  putU16(b, tcp + 14, 0x2000)
  b.fill(1, tcp + 20, data)
  for (let i = data; i < b.length; i++) b[i] = (i * 13 + (i >>> 8)) & 0xff
  putU16(b, tcp + 16, pseudoSum(b, ip, tcp, version, b.length - tcp))
  return { version, bytes: b, ip, tcp, data }
}

/** Sets what `fill` must say of a frame written at `off`. */
export function setPartial(meta: FrameMeta, frame: TcpFrame, off: number, gsoSize = 0): void {
  meta.checksum = 'partial'
  meta.checksumStart = off + frame.tcp
  meta.checksumOffset = 16
  meta.gso = gsoSize === 0 ? 'none' : frame.version === 4 ? 'tcp4' : 'tcp6'
  meta.gsoSize = gsoSize
}

/** Writes `frame`, setting the metadata inside of fill. */
export function writePartial(net: Net, frame: TcpFrame, gsoSize = 0): void {
  const meta = createFrameMeta()
  const fill = (buf: Uint8Array, off: number): number => {
    buf.set(frame.bytes, off)
    setPartial(meta, frame, off, gsoSize)
    return frame.bytes.length
  }
  net.write(frame.bytes.length, fill, meta)
}

/** Throws unless `seen` carries all of `frame`: whole, or in segments that follow each other, with checksums complete or passed on. */
export function sameSegments(seen: readonly SeenFrame[], frame: TcpFrame, gsoSize: number): void {
  const { version, ip, tcp, data } = frame
  const payload = new Uint8Array(frame.bytes.length - data)
  let at = 0
  for (const { bytes, meta } of seen) {
    const what = `segment at ${at}`
    same(version === 4 ? u16(bytes, ip + 2) : u16(bytes, ip + 4) + 40, bytes.length - ip, `${what}: IP length`)
    same(u32(bytes, tcp + 4), (SEQ + at) >>> 0, `${what}: sequence number`)
    sameChecksums(bytes, meta, frame, what)
    if (meta.gso === 'none') check(bytes.length - data <= gsoSize, `${what}: at most ${gsoSize} bytes of payload`)
    else same(meta.gsoSize, gsoSize, `${what}: gsoSize`)
    const isLast = at + bytes.length - data === payload.length
    same(bytes[tcp + 13], 0x10 | (isLast ? 0x09 : 0) | (at === 0 ? 0x80 : 0), `${what}: flags`)
    payload.set(bytes.subarray(data), at)
    at += bytes.length - data
  }
  sameBytes(payload.subarray(0, at), frame.bytes.subarray(data), 'payload of all segments')
}

function sameChecksums(bytes: Uint8Array, meta: FrameMeta, frame: TcpFrame, what: string): void {
  const { version, ip, tcp } = frame
  const pseudo = pseudoSum(bytes, ip, tcp, version, bytes.length - tcp)
  if (version === 4) same(foldSum(sumBytes(bytes, ip, tcp)), 0xffff, `${what}: sum of the IPv4 header`)
  if (meta.checksum !== 'partial') {
    same(foldSum(sumBytes(bytes, tcp, bytes.length, pseudo)), 0xffff, `${what}: sum of the segment`)
    return
  }
  same(meta.checksumStart, tcp, `${what}: checksumStart`)
  same(meta.checksumOffset, 16, `${what}: checksumOffset`)
  same(u16(bytes, tcp + 16), pseudo, `${what}: partial checksum`)
}

function putIpv6(b: Uint8Array, at: number, length: number): void {
  putU32(b, at, 0x6000_0000)
  putU16(b, at + 4, length)
  putU16(b, at + 6, 0x0640)
  putU32(b, at + 8, 0x2001_0db8)
  b[at + 23] = 1
  putU32(b, at + 24, 0x2001_0db8)
  b[at + 39] = 2
}

function pseudoSum(b: Uint8Array, ip: number, tcp: number, version: Version, length: number): number {
  return foldSum(sumBytes(b, version === 4 ? ip + 12 : ip + 8, tcp, 6 + length))
}
