import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { completeChecksum, createFrameMeta, type FrameMeta, type NotSegmentable, segmentFrame } from '../src/index.ts'
import { buildTcp, naiveChecksum, type TcpSpec } from './tcp-builder.ts'

const PLAIN: TcpSpec = {
  version: 4,
  link: [],
  ipOptions: [],
  tcpOptions: [],
  id: 0x1234,
  seq: 1000,
  flags: 0x18,
  payload: [],
}

interface Super {
  buf: Uint8Array
  off: number
  end: number
  ip: number
  meta: FrameMeta
}

/** A super-frame as a stack hands it down: at an offset in dirty memory, its checksum field holding the pseudo-header's sum. */
function superFrame(spec: TcpSpec, gsoSize: number, off = 3): Super {
  const { bytes, ip, tcp } = buildTcp(spec, 'partial')
  const buf = new Uint8Array(off + bytes.length + 9).fill(0xa5)
  buf.set(bytes, off)
  const meta = createFrameMeta()
  meta.checksum = 'partial'
  meta.checksumStart = off + tcp
  meta.checksumOffset = 16
  meta.gso = spec.version === 4 ? 'tcp4' : 'tcp6'
  meta.gsoSize = gsoSize
  return { buf, off, end: off + bytes.length, ip: off + ip, meta }
}

function cut({ buf, off, end, ip, meta }: Super, at = 5): { result: number | NotSegmentable; segments: Uint8Array[] } {
  const segments: Uint8Array[] = []
  const result = segmentFrame(buf, off, end, ip, meta, (size, fill) => {
    const lent = new Uint8Array(at + size + 4).fill(0xa5)
    const used = fill(lent, at)
    expect(used).toBe(size)
    expect([...lent.subarray(0, at), ...lent.subarray(at + used)].every((b) => b === 0xa5)).toBe(true)
    segments.push(lent.slice(at, at + used))
  })
  return { result, segments }
}

/** What a stack without offload would have sent, segment by segment. */
function expected(spec: TcpSpec, gsoSize: number): Uint8Array[] {
  const count = Math.max(1, Math.ceil(spec.payload.length / gsoSize))
  return Array.from({ length: count }, (_, i) => {
    const isLast = i === count - 1
    const flags = spec.flags & ~(isLast ? 0 : 0x09) & ~(i === 0 ? 0 : 0x80)
    const payload = spec.payload.slice(i * gsoSize, (i + 1) * gsoSize)
    const seq = (spec.seq + i * gsoSize) >>> 0
    return buildTcp({ ...spec, id: (spec.id + i) & 0xffff, seq, flags, payload }, 'complete').bytes
  })
}

const bytes = (length: number): number[] => Array.from({ length }, (_, i) => (i * 37 + 11) & 0xff)
const ETHERNET = [...bytes(12), 0x08, 0x00]

describe('segmentFrame', () => {
  it('cuts IPv4 into frames with identifications, lengths, sequence numbers and checksums of their own', () => {
    const spec: TcpSpec = { ...PLAIN, link: ETHERNET, payload: bytes(2500) }
    const { result, segments } = cut(superFrame(spec, 1000))
    expect(result).toBe(3)
    expect(segments).toEqual(expected(spec, 1000))
    expect(segments.map((s) => s.length - 54)).toEqual([1000, 1000, 500])
  })

  it('cuts IPv6', () => {
    const spec: TcpSpec = { ...PLAIN, version: 6, link: ETHERNET, payload: bytes(2881) }
    const { result, segments } = cut(superFrame(spec, 1440))
    expect(result).toBe(3)
    expect(segments).toEqual(expected(spec, 1440))
  })

  it('leaves FIN and PSH to the last segment, CWR to the first, and the other flags to all', () => {
    const { segments } = cut(superFrame({ ...PLAIN, flags: 0xff, payload: bytes(30) }, 10))
    expect(segments.map((s) => s[33])).toEqual([0xf6, 0x76, 0x7f])
  })

  it('lets identifications and sequence numbers wrap', () => {
    const spec: TcpSpec = { ...PLAIN, id: 0xffff, seq: 0xffff_fffa, payload: bytes(30) }
    const { segments } = cut(superFrame(spec, 10))
    expect(segments).toEqual(expected(spec, 10))
    expect(segments.map((s) => (s[4]! << 8) | s[5]!)).toEqual([0xffff, 0, 1])
  })

  it('makes one segment of what fits, and of no payload', () => {
    for (const payload of [bytes(10), []]) {
      const spec: TcpSpec = { ...PLAIN, flags: 0x91, payload }
      const { result, segments } = cut(superFrame(spec, 10))
      expect(result).toBe(1)
      expect(segments).toEqual(expected(spec, 10))
    }
  })

  it('cuts the longest super-frames', () => {
    for (const version of [4, 6] as const) {
      const spec: TcpSpec = { ...PLAIN, version, payload: bytes(version === 4 ? 65495 : 65475) }
      const { segments } = cut(superFrame(spec, 1448))
      expect(segments).toEqual(expected(spec, 1448))
    }
  })

  it('agrees with a sender without offload on every frame', () => {
    const byte = fc.integer({ min: 0, max: 255 })
    const words = (max: number): fc.Arbitrary<number[]> =>
      fc.integer({ min: 0, max }).chain((n) => fc.array(byte, { minLength: n * 4, maxLength: n * 4 }))
    const spec = fc.record({
      version: fc.constantFrom(4 as const, 6 as const),
      link: fc.constantFrom([], ETHERNET),
      ipOptions: words(10),
      tcpOptions: words(10),
      id: fc.integer({ min: 0, max: 0xffff }),
      seq: fc.integer({ min: 0, max: 0xffff_ffff }),
      flags: byte,
      payload: fc.array(byte, { maxLength: 400 }),
    })
    fc.assert(
      fc.property(spec, fc.integer({ min: 1, max: 99 }), fc.integer({ min: 0, max: 7 }), (s, gsoSize, at) => {
        const { result, segments } = cut(superFrame(s, gsoSize, at), 7 - at)
        expect(segments).toEqual(expected(s, gsoSize))
        expect(result).toBe(segments.length)
      }),
    )
  })

  const good = (): Super => superFrame({ ...PLAIN, payload: bytes(50) }, 20)
  const good6 = (): Super => superFrame({ ...PLAIN, version: 6, payload: bytes(50) }, 20)
  const spoil = (make: () => Super, change: (s: Super) => void): Super => {
    const s = make()
    change(s)
    return s
  }

  it.each<[NotSegmentable, string, Super]>([
    ['no-gso', 'gso none', spoil(good, (s) => (s.meta.gso = 'none'))],
    ['no-gso', 'a complete checksum', spoil(good, (s) => (s.meta.checksum = 'none'))],
    ['no-gso', 'no size', spoil(good, (s) => (s.meta.gsoSize = 0))],
    ['bad-version', 'IPv4 as tcp6', spoil(good, (s) => (s.meta.gso = 'tcp6'))],
    ['bad-version', 'IPv6 as tcp4', spoil(good6, (s) => (s.meta.gso = 'tcp4'))],
    ['bad-header', 'an IPv4 header of 16 bytes', spoil(good, (s) => (s.buf[s.ip] = 0x44))],
    ['bad-header', 'TCP not behind the IPv4 header', spoil(good, (s) => (s.meta.checksumStart += 4))],
    ['bad-header', 'TCP inside of the IPv6 header', spoil(good6, (s) => (s.meta.checksumStart -= 1))],
    ['bad-header', 'a checksum of UDP', spoil(good, (s) => (s.meta.checksumOffset = 6))],
    ['bad-header', 'a TCP header of 16 bytes', spoil(good, (s) => (s.buf[s.meta.checksumStart + 12] = 0x40))],
    ['bad-length', 'another IPv4 length', spoil(good, (s) => (s.buf[s.ip + 3]! += 1))],
    ['bad-length', 'another IPv6 length', spoil(good6, (s) => (s.buf[s.ip + 5]! += 1))],
    ['fragment', 'more fragments', spoil(good, (s) => (s.buf[s.ip + 6] = 0x20))],
    ['fragment', 'a fragment offset', spoil(good, (s) => (s.buf[s.ip + 7] = 1))],
  ])('refuses as %s: %s', (reason, _what, frame) => {
    expect(cut(frame)).toEqual({ result: reason, segments: [] })
  })

  it('refuses a TCP header that reaches behind the end', () => {
    const s = superFrame({ ...PLAIN, payload: bytes(8) }, 20)
    s.buf[s.meta.checksumStart + 12] = 0x80
    expect(cut(s)).toEqual({ result: 'bad-header', segments: [] })
  })

  it('refuses every truncated prefix', () => {
    for (const whole of [good(), good6()]) {
      for (let end = whole.off; end < whole.end; end++) {
        const { result, segments } = cut({ ...whole, end })
        expect(result).toBe(end < whole.meta.checksumStart + 20 ? 'truncated' : 'bad-length')
        expect(segments).toEqual([])
      }
    }
  })
})

describe('completeChecksum', () => {
  const partial = (checksumStart: number, checksumOffset: number): FrameMeta => ({
    ...createFrameMeta(),
    checksum: 'partial',
    checksumStart,
    checksumOffset,
  })

  it('makes the frame that a sender without offload builds', () => {
    for (const version of [4, 6] as const) {
      for (const length of [0, 1, 2, 33, 1460]) {
        const spec: TcpSpec = { ...PLAIN, version, link: ETHERNET, payload: bytes(length) }
        const { buf, off, end, meta } = superFrame(spec, 0)
        expect(completeChecksum(buf, off, end, meta)).toBe(true)
        expect(buf.slice(off, end)).toEqual(buildTcp(spec, 'complete').bytes)
      }
    }
  })

  it('writes a zero as 0xffff where it is UDP, and as zero elsewhere', () => {
    for (const [offset, field] of [
      [6, 0xffff],
      [16, 0],
    ] as const) {
      const b = new Uint8Array(20)
      b[0] = b[1] = 0xff
      expect(completeChecksum(b, 0, 20, partial(0, offset))).toBe(true)
      expect((b[offset]! << 8) | b[offset + 1]!).toBe(field)
      expect([0, 0xffff]).toContain(naiveChecksum([...b]))
    }
  })

  it.each([
    ['begins before the frame', partial(3, 6)],
    ['has its field behind the end', partial(20, 19)],
    ['has its field before the start', partial(20, -1)],
  ])('refuses metadata that %s', (_what, meta) => {
    const b = new Uint8Array(50).fill(0xa5)
    expect(completeChecksum(b, 4, 40, meta)).toBe(false)
    expect(b.every((byte) => byte === 0xa5)).toBe(true)
  })
})
