import { ip } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { createSequenceNumbers } from '../src/isn.ts'
import { EphemeralPorts } from '../src/ports.ts'
import { putTuple, TUPLE_WORDS, tupleHash } from '../src/tuple.ts'

const LOCAL = ip('10.0.0.1')
const REMOTE = ip('10.0.0.2')

describe('initial sequence numbers', () => {
  it('MUST-8 follow a clock of 4 us for each pair of endpoints', () => {
    const numbers = createSequenceNumbers(seededRandom(1))
    const at = (now: number): number => numbers.initial(LOCAL, 1000, REMOTE, 80, now)
    expect((at(1) - at(0)) | 0).toBe(250)
    expect((at(10_000.004) - at(0)) | 0).toBe(2_500_001)
    expect(at(2 ** 32 / 250)).toBe(at(0))
  })

  it('MUST-9 differ from pair to pair in a way that only the secret tells', () => {
    const numbers = createSequenceNumbers(seededRandom(1))
    const others = createSequenceNumbers(seededRandom(2))
    const seen = new Set<number>()
    for (let port = 1; port <= 2000; port++) seen.add(numbers.initial(LOCAL, port, REMOTE, 80, 0))
    expect(seen.size).toBe(2000)
    expect(others.initial(LOCAL, 1, REMOTE, 80, 0)).not.toBe(numbers.initial(LOCAL, 1, REMOTE, 80, 0))
  })

  it('timestamps begin at an offset that is constant for each pair', () => {
    const numbers = createSequenceNumbers(seededRandom(1))
    const offset = numbers.timestampOffset(LOCAL, 1, REMOTE, 80)
    expect(numbers.timestampOffset(LOCAL, 1, REMOTE, 80)).toBe(offset)
    expect(numbers.timestampOffset(LOCAL, 2, REMOTE, 80)).not.toBe(offset)
  })
})

describe('ephemeral ports (RFC 6056)', () => {
  it('are all used once before one comes again, in an order that differs from peer to peer', () => {
    const ports = new EphemeralPorts(seededRandom(3), [50_000, 50_099])
    const run = (remotePort: number): (number | undefined)[] =>
      Array.from({ length: 100 }, () => ports.choose(LOCAL, REMOTE, remotePort, () => true))
    const first = run(80)
    expect([...first].sort()).toEqual(Array.from({ length: 100 }, (_, i) => 50_000 + i))
    expect(run(81)[0]! - run(82)[0]!).not.toBe(0)
  })

  it('asks once for each port and gives up', () => {
    const ports = new EphemeralPorts(seededRandom(3), [50_000, 50_009])
    const asked: number[] = []
    const isFree = (port: number): boolean => {
      asked.push(port)
      return false
    }
    expect(ports.choose(LOCAL, REMOTE, 80, isFree)).toBeUndefined()
    expect(asked.sort()).toEqual(Array.from({ length: 10 }, (_, i) => 50_000 + i))
  })
})

describe('tuple hash', () => {
  it('spreads tuples that differ little, of both families', () => {
    const words = new Int32Array(TUPLE_WORDS)
    for (const [local, remote] of [
      [LOCAL, REMOTE],
      [ip('fd00::1'), ip('fd00::2')],
    ] as const) {
      const buckets = new Int32Array(256)
      for (let port = 1; port <= 25_600; port++) {
        const n = putTuple(words, local, 80, remote, port)
        const bucket = tupleHash(words, n, 12345, 67890) & 255
        buckets[bucket] = buckets[bucket]! + 1
      }
      // 100 expected; six standard deviations.
      expect(Math.min(...buckets)).toBeGreaterThan(40)
      expect(Math.max(...buckets)).toBeLessThan(160)
    }
  })

  it('depends on the key', () => {
    const words = new Int32Array(TUPLE_WORDS)
    const n = putTuple(words, LOCAL, 80, REMOTE, 1)
    expect(tupleHash(words, n, 1, 2)).not.toBe(tupleHash(words, n, 1, 3))
  })
})
