import { concatBytes, createGather } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteQueue } from '../src/core/byte-queue.ts'
import { AMBIGUOUS, Flight, LOST, RESENT, SACKED } from '../src/core/flight.ts'
import { Reassembly } from '../src/core/reassembly.ts'
import { ReceiveMemory } from '../src/core/receive-memory.ts'
import { SendQueue } from '../src/core/send-queue.ts'
import { SmallWrites } from '../src/core/small-writes.ts'

/** Where sequence numbers begin in these tests: they wrap, or change sign, on the way. */
const STARTS = [0, 1000, 2 ** 31 - 50, -50, -(2 ** 31) + 3]

function bytesAt(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => ((from + i) * 37 + ((from + i) >>> 8)) & 0xff)
}

describe('send queue', () => {
  it('gathers any range of what was written, after any release, and refers to large chunks', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STARTS),
        fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 4000 })), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.infiniteStream(fc.nat(1e6)),
        (start, lengths, numbers) => {
          const small = new SmallWrites()
          const q = new SendQueue()
          q.reset(start)
          let written = 0
          let released = 0
          const next = (): number => numbers.next().value as number
          for (const length of lengths) {
            q.append(bytesAt(written, length), small)
            written += length
            const from = released + (next() % (written - released))
            const want = 1 + (next() % (written - from))
            const g = createGather()
            const n = q.gather((start + from) | 0, want, g)
            expect(n).toBe(g.length)
            expect(n === want || g.count === 64).toBe(true)
            const got = concatBytes(
              Array.from({ length: g.count }, (_, i) => g.bufs[i]!.subarray(g.offs[i]!, g.ends[i]!)),
            )
            expect(got).toEqual(bytesAt(from, n))
            if (next() % 3 === 0) {
              released += next() % (written - released)
              q.release((start + released) | 0)
            }
          }
          expect(q.end).toBe((start + written) | 0)
        },
      ),
    )
  })

  it('takes large chunks by reference and copies small ones together', () => {
    const small = new SmallWrites()
    const q = new SendQueue()
    q.reset(0)
    const large = new Uint8Array(5000)
    q.append(large, small)
    for (let i = 0; i < 10; i++) q.append(Uint8Array.of(i), small)
    const g = createGather()
    expect(q.gather(0, 5010, g)).toBe(5010)
    expect(g.bufs[0]).toBe(large)
    expect(g.count).toBe(2)
  })

  it('never changes bytes that were gathered, whatever is written later by whomever', () => {
    const small = new SmallWrites()
    const [p, q] = [new SendQueue(), new SendQueue()]
    p.reset(0)
    q.reset(0)
    p.append(bytesAt(0, 100), small)
    const g = createGather()
    p.gather(0, 100, g)
    p.release(100)
    for (let i = 0; i < 100; i++) q.append(new Uint8Array(1000), small)
    expect(g.bufs[0]!.subarray(g.offs[0]!, g.ends[0]!)).toEqual(bytesAt(0, 100))
  })
})

describe('flight', () => {
  it('keeps its accounts through anything', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STARTS),
        fc.array(fc.tuple(fc.nat(4), fc.nat(1e6), fc.nat(1e6)), { maxLength: 80 }),
        (start, ops) => {
          const f = new Flight()
          let una = start
          let nxt = start
          for (const [op, x, y] of ops) {
            if (op === 0) {
              const end = (nxt + 1 + (x % 50)) | 0
              f.push(nxt, end, y | 0)
              nxt = end
            } else if (op === 1 && nxt !== una) {
              una = (una + 1 + (x % ((nxt - una) | 0))) | 0
              f.acknowledge(una)
            } else if (op === 2 && nxt !== una) {
              const span = (nxt - una) | 0
              const left = x % span
              f.sack((una + left) | 0, (una + left + 1 + (y % (span - left))) | 0)
            } else if (op === 3 && f.count > 0) {
              f.markLost(x % f.count)
            } else if (op === 4) {
              const i = f.nextToResend()
              if (i >= 0) f.markResent(i, y | 0)
            }
            expectConsistent(f, una, nxt)
          }
          f.markAllLost(true)
          expectConsistent(f, una, nxt)
          expect(f.lost).toBe((nxt - una) | 0)
        },
      ),
    )
  })

  it('does not fall apart into more pieces than is reasonable', () => {
    const f = new Flight()
    f.push(0, 100_000, 0)
    for (let i = 0; i < 50_000; i++) f.sack(2 * i, 2 * i + 1)
    expect(f.count).toBeLessThan(9000)
    expectConsistent(f, 0, 100_000)
    f.acknowledge(100_000)
    expectConsistent(f, 100_000, 100_000)
  })

  it('times only what was sent once and not reported before (Karn)', () => {
    const f = new Flight()
    f.push(0, 10, 100)
    f.push(10, 20, 200)
    f.push(20, 30, 300)
    f.markLost(0)
    f.markResent(0, 400)
    f.acknowledge(10)
    expect(f.timed).toBe(false)
    f.sack(20, 30)
    f.acknowledge(30)
    expect([f.timed, f.timedAt]).toEqual([true, 200])
  })

  it('does not time what was taken for lost and sent again, even where the mark is gone', () => {
    const f = new Flight()
    f.push(0, 10, 100)
    f.markResent(0, 200)
    f.markAllLost(false)
    expect(f.flags(0)).toBe(AMBIGUOUS | LOST)
    f.acknowledge(10)
    expect(f.timed).toBe(false)
  })
})

function expectConsistent(f: Flight, una: number, nxt: number): void {
  let sacked = 0
  let lost = 0
  let resent = 0
  let at = una
  let firstToResend = -1
  for (let i = 0; i < f.count; i++) {
    expect(f.seq(i)).toBe(at)
    at = f.end(i)
    const flags = f.flags(i)
    if (flags & SACKED) sacked += f.length(i)
    if (flags & LOST) lost += f.length(i)
    if (flags & RESENT) resent += f.length(i)
    expect(flags & SACKED && flags & LOST).toBeFalsy()
    if (firstToResend < 0 && (flags & (LOST | RESENT)) === LOST) firstToResend = i
  }
  expect(at).toBe(f.count === 0 ? una : nxt)
  expect([f.sacked, f.lost, f.resent]).toEqual([sacked, lost, resent])
  expect(f.nextToResend()).toBe(firstToResend)
}

/** What is in a queue, without taking it. */
function contents(q: ByteQueue, memory: ReceiveMemory): Uint8Array {
  const pieces: Uint8Array[] = []
  for (let p = q.take(); p !== undefined; p = q.take()) {
    pieces.push(p.slab.bytes.slice(p.start, p.end))
    memory.release(p.slab, false)
  }
  return concatBytes(pieces)
}

describe('reassembly', () => {
  it('gives back every byte once, first come first kept, however segments overlap', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...STARTS),
        fc.array(fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 60 }), fc.nat(255)), { maxLength: 40 }),
        (start, segments) => {
          const memory = new ReceiveMemory()
          const r = new Reassembly(memory)
          const model = new Map<number, number>()
          for (const [at, length, fill] of segments) {
            const before = model.size
            for (let i = at; i < at + length; i++) if (!model.has(i)) model.set(i, fill)
            const fresh = r.insert(
              (start + at) | 0,
              new Uint8Array(length).fill(fill),
              0,
              length,
              Number.POSITIVE_INFINITY,
            )
            expect(fresh).toBe(model.size - before)
            expect(r.length).toBe(model.size)
            const here = r.ranges.find((x) => ((start + at - x.start) | 0) >= 0 && ((x.end - start - at) | 0) > 0)
            expect(r.recent[0]).toBe(here)
            for (const x of r.recent) expect(r.ranges).toContain(x)
            for (const [i, x] of r.ranges.entries())
              if (i > 0) expect((x.start - r.ranges[i - 1]!.end) | 0).toBeGreaterThan(0)
          }
          while (r.ranges.length > 0) {
            const first = r.ranges[0]!.start
            expect(r.takeAt((first - 1) | 0)).toBeUndefined()
            const range = r.takeAt(first)!
            const got = contents(range.bytes, memory)
            expect(got.length).toBe((range.end - range.start) | 0)
            for (const [i, byte] of got.entries()) {
              expect(byte).toBe(model.get(((first - start) | 0) + i))
              model.delete(((first - start) | 0) + i)
            }
          }
          expect(model.size).toBe(0)
          expect(r.length).toBe(0)
        },
      ),
    )
  })

  it('holds no more pieces than it may', () => {
    const r = new Reassembly(new ReceiveMemory())
    for (let i = 0; i < 10; i++) r.insert(10 * i, Uint8Array.of(1), 0, 1, 4)
    expect(r.ranges.length).toBe(4)
    // What continues a piece needs none of its own.
    expect(r.insert(31, Uint8Array.of(1), 0, 1, 4)).toBe(1)
  })
})

describe('receive memory', () => {
  it('gives chunks that stay as they are unless they were borrowed', () => {
    const memory = new ReceiveMemory()
    const q = new ByteQueue(memory)
    const kept: [Uint8Array, Uint8Array][] = []
    for (let i = 0; i < 300; i++) {
      const data = bytesAt(i * 1000, 1 + ((i * 397) % 3000))
      q.append(data, 0, data.length)
      const piece = q.take()!
      const chunk = piece.slab.bytes.subarray(piece.start, piece.end)
      if (i % 3 === 0) kept.push([chunk, chunk.slice()])
      memory.release(piece.slab, i % 3 === 0)
      q.clear()
    }
    for (const [chunk, copy] of kept) expect(chunk).toEqual(copy)
  })

  it('uses the same memory again for borrowed chunks', () => {
    const memory = new ReceiveMemory()
    const q = new ByteQueue(memory)
    const buffers = new Set<ArrayBufferLike>()
    const data = new Uint8Array(60_000)
    for (let i = 0; i < 1000; i++) {
      q.append(data, 0, data.length)
      for (let p = q.take(); p !== undefined; p = q.take()) {
        buffers.add(p.slab.bytes.buffer)
        memory.release(p.slab, false)
      }
    }
    expect(buffers.size).toBeLessThanOrEqual(2)
  })
})
