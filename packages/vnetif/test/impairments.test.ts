import { describe, expect, it } from 'vitest'
import { type Impairments, NO_IMPAIRMENTS, type PairOptions } from '../src/index.ts'
import { numbers, pairLab, say, sayNumbers, switchLab, texts, times } from './lab.ts'

const FRAMES = 20_000

/** What comes of 20 000 packets on an impaired link. `b` must not be the bottleneck. */
function run(tx: Impairments, seed = 7, options: PairOptions = {}) {
  const lab = pairLab({ ...options, queueFrames: 1 << 20, queueBytes: 2 ** 32, tx }, seed)
  sayNumbers(lab.a, FRAMES, 60)
  lab.runtime.clock.advance(1000)
  return lab
}

/** Five standard deviations of a binomial distribution: a good draw fails once in two million seeds. */
function tolerance(p: number): number {
  return 5 * Math.sqrt(FRAMES * p * (1 - p))
}

const inOrder = (heard: readonly number[]): boolean => heard.every((n, i) => i === 0 || n > heard[i - 1]!)

describe('loss', () => {
  it.each([0.001, 0.1, 0.5, 0.99])('of %s loses that share and counts each', (loss) => {
    const { a, heard } = run({ loss })
    const lost = FRAMES - heard.length
    expect(Math.abs(lost - FRAMES * loss)).toBeLessThan(tolerance(loss))
    expect(a.stats.txDropped).toEqual({ loss: lost })
    expect(a.stats.txFrames).toBe(heard.length)
    expect(inOrder(numbers(heard))).toBe(true)
  })

  it('of 1 loses everything, of 0 nothing', () => {
    expect(run({ loss: 1 }).heard).toHaveLength(0)
    expect(run({ loss: 0 }).heard).toHaveLength(FRAMES)
  })

  it('is the same again for the same seed, and another for another', () => {
    const survivors = (seed: number): number[] => numbers(run({ loss: 0.3 }, seed).heard)
    expect(survivors(1)).toEqual(survivors(1))
    expect(survivors(1)).not.toEqual(survivors(2))
  })
})

describe('duplication', () => {
  it('sends that share twice, the copy right behind', () => {
    const { a, heard } = run({ duplicate: 0.2 })
    const twice = heard.length - FRAMES
    expect(Math.abs(twice - FRAMES * 0.2)).toBeLessThan(tolerance(0.2))
    expect(a.link.tx.duplicated).toBe(twice)
    const got = numbers(heard)
    expect(got).toEqual([...got].sort((x, y) => x - y))
    expect(new Set(got).size).toBe(FRAMES)
  })
})

describe('corruption', () => {
  it('flips exactly one bit in that share of frames, any bit', () => {
    const lab = pairLab({ queueFrames: 1 << 20, tx: { corrupt: 0.25 } }, 3)
    const flips = new Array(40 * 8).fill(0)
    let corrupted = 0
    lab.b.listen({
      frame(buf, off, end) {
        const bits: number[] = []
        for (let i = 0; i < (end - off) * 8; i++) if ((buf[off + (i >>> 3)]! >>> (i & 7)) & 1) bits.push(i)
        expect(bits.length).toBeLessThanOrEqual(1)
        for (const bit of bits) flips[bit]++
        corrupted += bits.length
      },
    })
    for (let i = 0; i < FRAMES; i++) lab.a.write(40, (buf, off) => (buf.fill(0, off, off + 40) ? 40 : 0))
    lab.runtime.clock.advance(0)
    expect(Math.abs(corrupted - FRAMES / 4)).toBeLessThan(tolerance(0.25))
    expect(lab.a.link.tx.corrupted).toBe(corrupted)
    expect(Math.min(...flips)).toBeGreaterThan(0)
  })

  it('leaves what other ports get of the same frame alone', () => {
    const { clock, ports, heard } = switchLab(3)
    ports[1]!.impair({ corrupt: 1 }, 'rx')
    say(ports[0]!, 'precious')
    clock.advance(0)
    expect(texts(heard[2]!)).toEqual(['precious'])
    expect(ports[1]!.link.rx.corrupted).toBe(1)
  })
})

describe('reordering', () => {
  it('does not delay what comes behind a frame that is held back', () => {
    const { runtime, a, heard } = pairLab({ tx: { latencyMs: 10, reorder: 1, reorderMs: 500 } })
    say(a, 'held back')
    a.impair({ reorder: 0 })
    say(a, 'punctual')
    runtime.clock.advance(1000)
    expect(texts(heard)).toEqual(['punctual', 'held back'])
    expect(times(heard)).toEqual([10, 510])
  })

  it('holds that share back, so that later frames overtake', () => {
    const lab = pairLab({ tx: { reorder: 0.1, reorderMs: 3 } }, 5)
    for (let n = 0; n < 2000; n++) {
      say(lab.a, `${n}`)
      lab.runtime.clock.advance(1)
    }
    lab.runtime.clock.advance(10)
    const late = lab.heard.filter(({ text, at }) => at === Number(text) + 3).length
    const punctual = lab.heard.filter(({ text, at }) => at === Number(text)).length
    expect(late).toBe(lab.a.link.tx.reordered)
    expect(late + punctual).toBe(2000)
    expect(Math.abs(late - 200)).toBeLessThan(5 * Math.sqrt(180))
    expect(inOrder(lab.heard.map(({ text }) => Number(text)))).toBe(false)
  })
})

describe('latency', () => {
  it('that shrinks in the very moment of an arrival lets nothing overtake', () => {
    const { runtime, a, heard } = pairLab({ tx: { latencyMs: 10 } })
    runtime.clock.schedule(10, () => {
      a.impair({ latencyMs: 0 })
      say(a, 'second')
    })
    say(a, 'first')
    runtime.clock.advance(10)
    expect(texts(heard)).toEqual(['first', 'second'])
    expect(times(heard)).toEqual([10, 10])
  })

  it('is exact', () => {
    const { runtime, a, heard } = pairLab({ tx: { latencyMs: 12.5 }, b: { rx: { latencyMs: 30 } } })
    say(a, '1')
    runtime.clock.advance(42.25)
    expect(heard).toEqual([])
    runtime.clock.advance(0.25)
    expect(times(heard)).toEqual([42.5])
  })

  it('applies both ways by itself', () => {
    const lab = pairLab({ tx: { latencyMs: 10 }, rx: { latencyMs: 1 } })
    let back = 0
    lab.a.listen({ frame: () => void (back = lab.runtime.clock.now()) })
    say(lab.b, 'back')
    lab.runtime.clock.advance(100)
    expect(back).toBe(11)
  })

  it('with jitter stays within its bounds, uses them and keeps the order', () => {
    const lab = pairLab({ tx: { latencyMs: 50, jitterMs: 20 } }, 11)
    for (let n = 0; n < 3000; n++) {
      say(lab.a, `${n}`)
      lab.runtime.clock.advance(100)
    }
    const delays = lab.heard.map(({ text, at }) => at - 100 * Number(text))
    const mean = delays.reduce((sum, d) => sum + d, 0) / delays.length
    expect(delays).toHaveLength(3000)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(30)
    expect(Math.min(...delays)).toBeLessThan(31)
    expect(Math.max(...delays)).toBeLessThanOrEqual(70)
    expect(Math.max(...delays)).toBeGreaterThan(69)
    expect(Math.abs(mean - 50)).toBeLessThan((5 * 20) / Math.sqrt(3 * 3000))
    expect(inOrder(numbers(run({ latencyMs: 50, jitterMs: 50 }).heard))).toBe(true)
  })
})

describe('rate', () => {
  it('spaces frames exactly', () => {
    const { runtime, a, heard } = pairLab({ tx: { bitsPerSecond: 12e6 } })
    sayNumbers(a, 4, 1500)
    runtime.clock.advance(2.5)
    sayNumbers(a, 1, 750)
    runtime.clock.advance(100)
    sayNumbers(a, 1, 1500)
    runtime.clock.advance(100)
    expect(times(heard)).toEqual([1, 2, 3, 4, 4.5, 103.5])
  })

  it('adds up with latency', () => {
    const { runtime, a, heard } = pairLab({ tx: { bitsPerSecond: 8e6, latencyMs: 20 } })
    sayNumbers(a, 3, 1000)
    runtime.clock.advance(100)
    expect(times(heard)).toEqual([21, 22, 23])
  })

  it('is the bottleneck of what is written: 10 Mbit/s carry 1.25 MB in a second', () => {
    const { runtime, a, b } = pairLab({ tx: { bitsPerSecond: 10e6, queueFrames: 10 } })
    let bytes = 0
    b.listen({ frame: (_buf, off, end) => void (bytes += end - off) })
    for (let ms = 0; ms < 1000; ms++) {
      sayNumbers(a, 2, 1000)
      runtime.clock.advance(1)
    }
    expect(bytes).toBe(1_250_000)
  })

  it('drops what finds queueFrames frames waiting, besides the one being sent', () => {
    const { runtime, a, heard } = pairLab({ tx: { bitsPerSecond: 8e6, queueFrames: 5 } })
    sayNumbers(a, 10, 1000)
    expect(a.stats).toMatchObject({ txFrames: 6, txDropped: { 'queue-full': 4 } })
    runtime.clock.advance(1)
    sayNumbers(a, 3, 1000)
    expect(a.stats).toMatchObject({ txFrames: 7, txDropped: { 'queue-full': 6 } })
    runtime.clock.advance(100)
    expect(times(heard)).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  it('drops what exceeds queueBytes waiting', () => {
    const { runtime, a, heard } = pairLab({ tx: { bitsPerSecond: 8e6, queueBytes: 2500 } })
    sayNumbers(a, 5, 1000)
    sayNumbers(a, 1, 500)
    runtime.clock.advance(100)
    expect(times(heard)).toEqual([1, 2, 3, 3.5])
    expect(a.stats.txDropped).toEqual({ 'queue-full': 2 })
  })

  it('of a link with queueFrames 0 drops whatever would wait', () => {
    const { runtime, a, heard } = pairLab({ tx: { bitsPerSecond: 8e6, queueFrames: 0 } })
    sayNumbers(a, 3, 1000)
    runtime.clock.advance(1)
    sayNumbers(a, 1, 1000)
    runtime.clock.advance(100)
    expect(times(heard)).toEqual([1, 2])
  })

  it('may change: what was written keeps its time, and what follows its order', () => {
    const { runtime, a, heard } = pairLab({ tx: { bitsPerSecond: 8e6 } })
    sayNumbers(a, 2, 1000)
    a.impair({ bitsPerSecond: 80e6 })
    sayNumbers(a, 1, 1000)
    a.impair(NO_IMPAIRMENTS)
    sayNumbers(a, 1, 1000)
    runtime.clock.advance(100)
    expect(times(heard)).toEqual([1, 2, 2.1, 2.1])
    expect(numbers(heard)).toEqual([0, 1, 0, 0])
  })
})

describe('the bound of a long line', () => {
  it('is flightFrames', () => {
    const { runtime, a, heard } = pairLab({ tx: { latencyMs: 1000, flightFrames: 50 } })
    sayNumbers(a, 80)
    runtime.clock.advance(1000)
    expect(heard).toHaveLength(50)
    expect(a.stats.txDropped).toEqual({ 'flight-full': 30 })
  })
})

describe('the MTU of a link', () => {
  it('drops longer packets and counts them; the device does not know', () => {
    const { runtime, a, heard } = pairLab({ medium: 'ethernet', tx: { mtu: 1400 } })
    say(a, 'x'.repeat(1400))
    say(a, 'x'.repeat(1401))
    runtime.clock.advance(0)
    expect(heard.map(({ text }) => text.length)).toEqual([1400])
    expect(a.stats.txDropped).toEqual({ 'too-long': 1 })
  })
})

describe('trailing bytes', () => {
  it('follow each frame: 1 to so many, of any value, also behind the longest', () => {
    const { runtime, a, b } = pairLab({ tx: { trailingBytes: 10 }, queueFrames: 1 << 16 }, 9)
    const lengths = new Map<number, number>()
    const values = new Set<number>()
    b.listen({
      frame(buf, off, end) {
        lengths.set(end - off - 1500, (lengths.get(end - off - 1500) ?? 0) + 1)
        for (let i = off; i < off + 1500; i++) if (buf[i] !== 0x61) throw new Error(`byte ${i - off} was changed`)
        for (let i = off + 1500; i < end; i++) values.add(buf[i]!)
      },
    })
    for (let i = 0; i < 2000; i++) say(a, 'a'.repeat(1500))
    runtime.clock.advance(0)
    expect([...lengths.keys()].sort((x, y) => x - y)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(Math.min(...lengths.values())).toBeGreaterThan(120)
    expect(values.size).toBe(256)
  })

  it('do not count where a link has an MTU', () => {
    const { runtime, a, b, heard } = pairLab({ a: { tx: { trailingBytes: 9 } }, b: { rx: { mtu: 1500 } } })
    say(a, 'a'.repeat(1500))
    runtime.clock.advance(0)
    expect(heard).toHaveLength(1)
    expect(b.stats.rxDropped).toEqual({})
  })

  it('of both links add up', () => {
    const { runtime, a, heard } = pairLab({ tx: { trailingBytes: 1, latencyMs: 1 }, rx: { trailingBytes: 1 } })
    say(a, 'a'.repeat(1500))
    runtime.clock.advance(1)
    expect(heard.map(({ text }) => text.length)).toEqual([1502])
  })
})

describe('a link that is down', () => {
  it('drops and counts until it is up again, with its other impairments kept', () => {
    const { runtime, a, heard } = pairLab({ tx: { latencyMs: 5 } })
    say(a, 'on its way')
    a.impair({ up: false })
    say(a, 'lost')
    a.impair({ up: true })
    say(a, 'back')
    runtime.clock.advance(10)
    expect(texts(heard)).toEqual(['on its way', 'back'])
    expect(times(heard)).toEqual([5, 5])
    expect(a.stats.txDropped).toEqual({ 'link-down': 1 })
  })

  it('may be down one way only', () => {
    const { clock, ports, heard } = switchLab(2)
    ports[0]!.impair({ up: false }, 'rx')
    say(ports[0]!, 'out')
    say(ports[1]!, 'in')
    clock.advance(0)
    expect(heard.map(texts)).toEqual([[], ['out']])
    expect(ports[0]!.stats.rxDropped).toEqual({ 'link-down': 1 })
  })
})

describe('all at once', () => {
  const storm: Impairments = {
    loss: 0.1,
    duplicate: 0.1,
    corrupt: 0.1,
    reorder: 0.1,
    latencyMs: 10,
    jitterMs: 5,
    bitsPerSecond: 50e6,
    queueFrames: 15_000,
    trailingBytes: 4,
  }

  it('is reproducible to the bit', () => {
    const trace = (seed: number): string => JSON.stringify(run(storm, seed).heard.map(({ text, at }) => [text, at]))
    expect(trace(42)).toBe(trace(42))
    expect(trace(42)).not.toBe(trace(43))
  })

  it('accounts for every frame', () => {
    const { a, b, heard } = run(storm)
    const { loss, 'queue-full': full } = a.stats.txDropped as { loss: number; 'queue-full': number }
    expect(full).toBeGreaterThan(0)
    expect(heard.length).toBe(FRAMES - loss - full + a.link.tx.duplicated)
    expect(b.stats.rxFrames).toBe(heard.length)
  })
})

describe('impair', () => {
  it('changes what is named and leaves the rest', () => {
    const { runtime, a, heard } = pairLab()
    a.impair({ latencyMs: 10 })
    a.impair({ trailingBytes: 1 })
    say(a, 'x')
    runtime.clock.advance(10)
    expect(times(heard)).toEqual([10])
    expect(heard[0]!.text).toHaveLength(2)
  })

  it('of a switch reaches every port once', () => {
    const { clock, network, ports, heard } = switchLab(3)
    network.impair({ latencyMs: 7 })
    say(ports[0]!, 'x')
    clock.advance(100)
    expect(times(heard[1]!)).toEqual([7])
    expect(times(heard[2]!)).toEqual([7])
  })

  it.each<Impairments>([
    { loss: -0.1 },
    { loss: 1.1 },
    { loss: Number.NaN },
    { duplicate: 2 },
    { corrupt: 2 },
    { reorder: 2 },
    { reorderMs: -1 },
    { latencyMs: Number.POSITIVE_INFINITY },
    { jitterMs: 1 },
    { bitsPerSecond: 0 },
    { queueFrames: -1 },
    { queueFrames: 1.5 },
    { queueBytes: -1 },
    { flightFrames: Number.POSITIVE_INFINITY },
    { mtu: 67 },
    { trailingBytes: 256 },
  ])('refuses %o and changes nothing', (changes) => {
    const { runtime, a, heard } = pairLab()
    expect(() => a.impair({ up: false, ...changes })).toThrow(RangeError)
    say(a, 'x')
    runtime.clock.advance(0)
    expect(texts(heard)).toEqual(['x'])
  })

  it('refuses names and directions that are none', () => {
    const { a } = pairLab()
    expect(() => a.impair({ lost: 0.1 } as Impairments)).toThrow(TypeError)
    expect(() => a.impair({ up: 1 } as unknown as Impairments)).toThrow(TypeError)
    expect(() => a.impair({}, 'up' as 'tx')).toThrow(TypeError)
  })

  it('changes both directions or none', () => {
    const { runtime, a, b, heard } = pairLab({ a: { tx: { latencyMs: 10 } } })
    expect(() => a.impair({ jitterMs: 5 })).toThrow(RangeError)
    a.impair({ latencyMs: 0 })
    say(a, 'x')
    runtime.clock.advance(0)
    expect(times(heard)).toEqual([0])
    expect(b.stats.rxFrames).toBe(1)
  })
})
