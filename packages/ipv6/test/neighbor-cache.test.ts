import { ipv6, ipv6FromWords, type Mac, mac } from '@fata/addr'
import type { DropCounts } from '@fata/net'
import { seededRandom } from '@fata/runtime'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Neighbor, NeighborOut } from '../src/core/neighbor.ts'
import { NeighborCache } from '../src/core/neighbor-cache.ts'
import type { QueuedPacket } from '../src/core/queued-packet.ts'
import { defaults, type Settings } from '../src/options.ts'
import { udp } from './packets.ts'

const A = ipv6('fe80::a')
const OWN = ipv6('fe80::1')
const OLD: Mac = mac('02:00:00:00:00:aa')
const NEW: Mac = mac('02:00:00:00:00:bb')

type Kind = Neighbor['state']['kind'] | '-'

let cache: NeighborCache
let dropped: DropCounts

/** A random generator that makes ReachableTime the base value. */
const middle = { ...seededRandom(1), uint32: () => 0x8000_0000 }

function create(settings: Partial<Settings> = {}): void {
  dropped = {}
  cache = new NeighborCache({ ...defaults, ...settings }, middle, dropped)
}

function drain(): NeighborOut[] {
  const all: NeighborOut[] = []
  for (let out = cache.poll(); out !== undefined; out = cache.poll()) all.push(out)
  return all
}

const kinds = (): string[] =>
  drain().map((out) => (out.kind === 'solicit' ? (out.to === undefined ? 'multicast NS' : 'unicast NS') : out.kind))

const stateOf = (): Kind => cache.get(A)?.state.kind ?? '-'
const packet = (n = 0): QueuedPacket => ({
  bytes: udp({ src: 'fe80::1', dst: 'fe80::a' }, new Uint8Array([n])),
  meta: undefined,
})

/** Brings the entry of `A` into a state at time 0, with `OLD` as its address. */
function bring(kind: Kind): void {
  create()
  if (kind === '-') return
  if (kind === 'incomplete') cache.use(0, A, OWN)
  else cache.heard(0, A, OLD)
  const entry = cache.get(A)!
  if (kind === 'reachable') cache.confirm(0, entry)
  if (kind === 'delay' || kind === 'probe') cache.use(0, A, OWN)
  if (kind === 'probe') {
    cache.timeout(5000)
    expect(cache.deadline()).toBe(6000)
  }
  drain()
  expect(stateOf()).toBe(kind)
}

const said = (text: string): { mac: Mac | undefined; router: boolean; solicited: boolean; override: boolean } => ({
  mac: text.includes('other') ? NEW : text.includes('same') ? OLD : undefined,
  solicited: text.includes('S=1'),
  override: text.includes('O=1'),
  router: text.includes('R=1'),
})

beforeEach(() => create())

describe('an advertisement, RFC 4861 §7.2.5', () => {
  // state, what the NA says, new state, new address
  const rows: readonly [Kind, string, Kind, Mac | undefined][] = [
    ['-', 'S=1 O=1 other', '-', undefined],
    ['incomplete', 'S=0 O=0', 'incomplete', undefined],
    ['incomplete', 'S=1 O=1', 'incomplete', undefined],
    ['incomplete', 'S=0 O=0 other', 'stale', NEW],
    ['incomplete', 'S=0 O=1 other', 'stale', NEW],
    ['incomplete', 'S=1 O=0 other', 'reachable', NEW],
    ['incomplete', 'S=1 O=1 other', 'reachable', NEW],
    ['reachable', 'S=0 O=0 other', 'stale', OLD],
    ['reachable', 'S=1 O=0 other', 'stale', OLD],
    ['stale', 'S=1 O=0 other', 'stale', OLD],
    ['delay', 'S=1 O=0 other', 'delay', OLD],
    ['probe', 'S=1 O=0 other', 'probe', OLD],
    ['probe', 'S=0 O=0 other', 'probe', OLD],
    ...(['reachable', 'stale', 'delay', 'probe'] as const).flatMap((state): [Kind, string, Kind, Mac][] => [
      [state, 'S=1 O=0 same', 'reachable', OLD],
      [state, 'S=1 O=1 same', 'reachable', OLD],
      [state, 'S=1 O=0', 'reachable', OLD],
      [state, 'S=1 O=1', 'reachable', OLD],
      [state, 'S=1 O=1 other', 'reachable', NEW],
      [state, 'S=0 O=1 other', 'stale', NEW],
      [state, 'S=0 O=0 same', state, OLD],
      [state, 'S=0 O=1 same', state, OLD],
      [state, 'S=0 O=0', state, OLD],
      [state, 'S=0 O=1', state, OLD],
    ]),
  ]

  it.each(rows)('%s: %s makes it %s', (before, na, after, address) => {
    bring(before)
    cache.advertised(5500, A, said(na))
    expect(stateOf()).toBe(after)
    expect(cache.get(A)?.mac).toBe(address)
  })

  it('sends the packets that waited', () => {
    const entry = cache.use(0, A, OWN)
    const packets = [packet(1), packet(2)]
    for (const p of packets) cache.queue(entry, p)
    drain()
    cache.advertised(10, A, said('S=1 O=1 other'))
    expect(drain()).toEqual([
      { kind: 'reachable', address: A },
      { kind: 'transmit', to: NEW, packet: packets[0] },
      { kind: 'transmit', to: NEW, packet: packets[1] },
    ])
  })

  it('that is not solicited sends them as well, which is use of a stale entry', () => {
    cache.queue(cache.use(0, A, OWN), packet())
    drain()
    cache.advertised(10, A, said('S=0 O=0 other'))
    expect(kinds()).toEqual(['transmit'])
    expect(stateOf()).toBe('delay')
  })

  it('is confirmation for ReachableTime', () => {
    bring('stale')
    cache.advertised(100, A, said('S=1 O=1 same'))
    cache.timeout(30_099)
    expect(stateOf()).toBe('reachable')
    cache.timeout(30_100)
    expect(stateOf()).toBe('stale')
  })

  it('tells when a router has become a host', () => {
    bring('reachable')
    cache.markRouter(A)
    cache.advertised(1, A, said('S=1 O=1 same R=1'))
    expect(drain()).toEqual([])
    cache.advertised(2, A, said('S=0 O=0 other'))
    expect(drain()).toEqual([])
    cache.advertised(3, A, said('S=0 O=1 same'))
    expect(drain()).toEqual([{ kind: 'no-router', address: A }])
    expect(cache.get(A)!.isRouter).toBe(false)
  })
})

describe('a link-layer address in a solicitation, router advertisement or redirect', () => {
  const rows: readonly [Kind, 'same' | 'other', Kind, Mac][] = [
    ['-', 'other', 'stale', NEW],
    ['incomplete', 'other', 'stale', NEW],
    ['reachable', 'other', 'stale', NEW],
    ['stale', 'other', 'stale', NEW],
    ['delay', 'other', 'stale', NEW],
    ['probe', 'other', 'stale', NEW],
    ['reachable', 'same', 'reachable', OLD],
    ['stale', 'same', 'stale', OLD],
    ['delay', 'same', 'delay', OLD],
    ['probe', 'same', 'probe', OLD],
  ]

  it.each(rows)('%s: %s address makes it %s', (before, which, after, address) => {
    bring(before)
    cache.heard(5500, A, which === 'same' ? OLD : NEW)
    expect(stateOf()).toBe(after)
    expect(cache.get(A)!.mac).toBe(address)
  })
})

describe('address resolution, RFC 4861 §7.2.2', () => {
  it('asks three times a second apart, then gives up', () => {
    const entry = cache.use(0, A, OWN)
    const waiting = packet()
    cache.queue(entry, waiting)
    expect(drain()).toEqual([{ kind: 'solicit', target: A, to: undefined, src: OWN }])
    expect(cache.deadline()).toBe(1000)
    cache.timeout(999)
    expect(drain()).toEqual([])
    cache.timeout(1000)
    cache.timeout(2000)
    expect(drain()).toEqual([
      { kind: 'solicit', target: A, to: undefined, src: OWN },
      { kind: 'solicit', target: A, to: undefined, src: OWN },
    ])
    expect(cache.deadline()).toBe(3000)
    cache.timeout(3000)
    expect(drain()).toEqual([{ kind: 'unreachable', address: A, packets: [waiting] }])
    expect(stateOf()).toBe('-')
    expect(entry.state.kind).toBe('gone')
    expect(cache.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('does not ask again for further packets', () => {
    cache.use(0, A, OWN)
    cache.use(10, A, OWN)
    expect(kinds()).toEqual(['multicast NS'])
  })

  it('keeps so many packets for each neighbor, the newest ones', () => {
    create({ maxQueuedPackets: 2 })
    const entry = cache.use(0, A, OWN)
    for (const n of [1, 2, 3]) cache.queue(entry, packet(n))
    expect(entry.queue.map((p) => p.bytes.at(-1))).toEqual([2, 3])
    expect(dropped).toEqual({ 'neighbor-queue-full': 1 })
  })

  it('keeps so many bytes for all, and forgets them when they are sent', () => {
    const size = packet().bytes.length
    create({ maxQueuedBytes: 2 * size })
    const B = ipv6('fe80::b')
    cache.queue(cache.use(0, A, OWN), packet(1))
    cache.queue(cache.use(0, B, OWN), packet(2))
    cache.queue(cache.use(0, ipv6('fe80::c'), OWN), packet(3))
    expect(dropped).toEqual({ 'neighbor-queue-full': 1 })
    cache.queue(cache.get(A)!, packet(4))
    expect(cache.get(A)!.queue.map((p) => p.bytes.at(-1))).toEqual([4])
    cache.advertised(1, A, said('S=1 O=1 other'))
    cache.queue(cache.get(B)!, packet(5))
    expect(cache.get(B)!.queue).toHaveLength(2)
    expect(dropped).toEqual({ 'neighbor-queue-full': 2 })
  })

  it('backs off where it is told to ask more often, RFC 7048 §3', () => {
    create({ maxMulticastSolicit: 12 })
    cache.use(0, A, OWN)
    const waits: number[] = []
    for (let now = 0; stateOf() === 'incomplete'; ) {
      waits.push(cache.deadline() - now)
      now = cache.deadline()
      cache.timeout(now)
    }
    expect(waits).toEqual([1000, 1000, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000])
  })

  it('takes the interval from routers', () => {
    cache.configure(0, 0, 250)
    cache.use(0, A, OWN)
    expect(cache.deadline()).toBe(250)
    cache.configure(0, 0, 0)
    expect(cache.retransTimerMs).toBe(250)
  })
})

describe('unreachability detection, RFC 4861 §7.3', () => {
  it('reachable becomes stale when ReachableTime has passed', () => {
    bring('reachable')
    expect(cache.deadline()).toBe(30_000)
    cache.timeout(29_999)
    expect(stateOf()).toBe('reachable')
    cache.timeout(30_000)
    expect(stateOf()).toBe('stale')
  })

  it('reachable stays so when it is used', () => {
    bring('reachable')
    cache.use(10, A, OWN)
    expect([stateOf(), ...kinds()]).toEqual(['reachable'])
  })

  it('stale stays so as long as it is not used', () => {
    bring('stale')
    expect(cache.deadline()).toBe(Number.POSITIVE_INFINITY)
    cache.timeout(1e9)
    expect([stateOf(), ...kinds()]).toEqual(['stale'])
  })

  it('stale becomes delay when a packet is sent, with nothing asked yet', () => {
    bring('stale')
    cache.use(100, A, OWN)
    expect([stateOf(), cache.deadline(), ...kinds()]).toEqual(['delay', 5100])
  })

  it('delay is not prolonged by further packets', () => {
    bring('delay')
    cache.use(3000, A, OWN)
    expect(cache.deadline()).toBe(5000)
  })

  it('delay becomes probe after five seconds, with a solicitation to the cached address', () => {
    bring('delay')
    cache.timeout(5000)
    expect(drain()).toEqual([{ kind: 'solicit', target: A, to: OLD, src: undefined }])
    expect(stateOf()).toBe('probe')
  })

  it('probe asks three times, then forgets', () => {
    bring('probe')
    const entry = cache.get(A)!
    cache.timeout(6000)
    cache.timeout(7000)
    expect(kinds()).toEqual(['unicast NS', 'unicast NS'])
    expect(stateOf()).toBe('probe')
    cache.timeout(8000)
    expect(drain()).toEqual([{ kind: 'unreachable', address: A, packets: [] }])
    expect([stateOf(), entry.state.kind, entry.mac]).toEqual(['-', 'gone', undefined])
  })

  it('probe goes on while packets are sent to the cached address', () => {
    bring('probe')
    expect(cache.use(5500, A, OWN).mac).toBe(OLD)
    expect(stateOf()).toBe('probe')
  })

  it.each(['reachable', 'stale', 'delay', 'probe'] as const)(
    '%s becomes reachable when a transport confirms',
    (state) => {
      bring(state)
      cache.confirm(5500, cache.get(A)!)
      expect(stateOf()).toBe('reachable')
      cache.timeout(35_499)
      expect(stateOf()).toBe('reachable')
      cache.timeout(35_500)
      expect(stateOf()).toBe('stale')
    },
  )

  it('incomplete does not', () => {
    bring('incomplete')
    cache.confirm(10, cache.get(A)!)
    expect(stateOf()).toBe('incomplete')
  })

  it('an entry that is gone does not come back by confirmation', () => {
    bring('probe')
    const entry = cache.get(A)!
    for (const t of [6000, 7000, 8000]) cache.timeout(t)
    cache.confirm(8001, entry)
    expect(stateOf()).toBe('-')
  })

  it('says when a confirmation would make no difference', () => {
    bring('stale')
    const entry = cache.get(A)!
    expect(cache.isFresh(0, entry)).toBe(false)
    cache.confirm(0, entry)
    expect(cache.isFresh(999, entry)).toBe(true)
    expect(cache.isFresh(1000, entry)).toBe(false)
  })

  it('takes ReachableTime from routers, randomly about it', () => {
    dropped = {}
    cache = new NeighborCache(defaults, seededRandom(3), dropped)
    const spans = new Set<number>()
    for (let base = 10_000; base < 10_010; base++) {
      cache.configure(0, base, 0)
      cache.heard(0, A, OLD)
      cache.confirm(0, cache.get(A)!)
      const { state } = cache.get(A)!
      if (state.kind !== 'reachable') throw new Error(state.kind)
      expect(state.until).toBeGreaterThanOrEqual(base * 0.5)
      expect(state.until).toBeLessThan(base * 1.5)
      spans.add(state.until)
    }
    expect(spans.size).toBe(10)
  })
})

describe('a probe of a router that is not in use, RFC 4191 §3.5', () => {
  it('is one solicitation', () => {
    cache.probe(0, A)
    expect(kinds()).toEqual(['multicast NS'])
    cache.timeout(1000)
    expect(kinds()).toEqual(['unreachable'])
  })

  it('goes to the cached address where there is one', () => {
    bring('stale')
    cache.probe(0, A)
    expect(kinds()).toEqual(['unicast NS'])
    cache.advertised(10, A, said('S=1 O=1 same'))
    expect(kinds()).toEqual(['reachable'])
  })
})

describe('the bound of the cache', () => {
  const nth = (n: number): ReturnType<typeof ipv6> => ipv6FromWords(0xfe800000, 0, 0, n)

  it('forgets first whom nobody here sent to', () => {
    create({ maxNeighbors: 3 })
    cache.heard(0, nth(1), OLD)
    cache.use(0, nth(1), OWN)
    cache.heard(0, nth(2), OLD)
    cache.use(0, nth(3), OWN)
    cache.heard(0, nth(4), OLD)
    expect(cache.get(nth(2))).toBeUndefined()
    for (const n of [1, 3, 4]) expect(cache.get(nth(n))).toBeDefined()
  })

  it('then who does not answer, with the packets that wait', () => {
    create({ maxNeighbors: 2 })
    cache.heard(0, nth(1), OLD)
    cache.use(0, nth(1), OWN)
    const silent = cache.use(0, nth(2), OWN)
    cache.queue(silent, packet())
    cache.use(0, nth(3), OWN)
    expect(silent.state.kind).toBe('gone')
    expect(dropped).toEqual({ 'neighbor-evicted': 1 })
    expect(cache.get(nth(1))).toBeDefined()
  })

  it('then the least recently used', () => {
    create({ maxNeighbors: 2 })
    for (const n of [1, 2]) {
      cache.heard(0, nth(n), OLD)
      cache.use(0, nth(n), OWN)
    }
    cache.touch(cache.get(nth(1))!)
    cache.use(0, nth(3), OWN)
    expect(cache.get(nth(1))).toBeDefined()
    expect(cache.get(nth(2))).toBeUndefined()
  })

  it('holds against a flood, and leaves the neighbors in use alone', () => {
    create({ maxNeighbors: 8 })
    cache.heard(0, A, OLD)
    cache.confirm(0, cache.use(0, A, OWN))
    for (let n = 1; n < 1000; n++) {
      if (n % 2 === 0) cache.heard(0, nth(n + 100), NEW)
      else cache.use(0, nth(n + 100), OWN)
      expect([...cache].length).toBeLessThanOrEqual(8)
    }
    expect(stateOf()).toBe('reachable')
  })
})

describe('whatever happens', () => {
  it('no deadline is missed, and no neighbor is asked more often than RetransTimer allows', () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant('use' as const), n: fc.nat(3) }),
      fc.record({ kind: fc.constant('heard' as const), n: fc.nat(3), address: fc.nat(2) }),
      fc.record({
        kind: fc.constant('na' as const),
        n: fc.nat(3),
        address: fc.nat(3),
        solicited: fc.boolean(),
        override: fc.boolean(),
        router: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('confirm' as const), n: fc.nat(3) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(7000) }),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        create()
        let now = 0
        const asked = new Map<number, number>()
        const check = (): void => {
          for (const out of drain()) {
            if (out.kind !== 'solicit') continue
            expect(now - (asked.get(out.target.w3) ?? -1e9)).toBeGreaterThanOrEqual(1000)
            asked.set(out.target.w3, now)
          }
          for (const { state } of cache) {
            const at = 'at' in state ? state.at : 'until' in state ? state.until : Number.POSITIVE_INFINITY
            expect(cache.deadline()).toBeLessThanOrEqual(at)
            expect(at).toBeGreaterThan(now)
          }
        }
        const at = (n: number): ReturnType<typeof ipv6> => ipv6FromWords(0xfe800000, 0, 0, n)
        for (const e of events) {
          if (e.kind === 'use') cache.use(now, at(e.n), OWN)
          else if (e.kind === 'heard') cache.heard(now, at(e.n), (OLD + e.address) as Mac)
          else if (e.kind === 'na') {
            cache.advertised(now, at(e.n), { ...e, mac: e.address === 3 ? undefined : ((OLD + e.address) as Mac) })
          } else if (e.kind === 'confirm') {
            const entry = cache.get(at(e.n))
            if (entry !== undefined) cache.confirm(now, entry)
          } else {
            const end = now + e.ms
            while (cache.deadline() <= end) {
              now = Math.max(now, cache.deadline())
              cache.timeout(now)
              check()
            }
            now = end
          }
          check()
        }
      }),
    )
  })
})
