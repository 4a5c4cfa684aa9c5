import { type Ipv4, ipv4, type Mac, mac } from '@fata/addr'
import { createVirtualRuntime } from '@fata/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createArp } from '../src/index.ts'
import { encode, PACKET_LEN } from '../src/wire.ts'
import { createSegment } from './support/segment.ts'

const CACHE = 4
const host = (n: number): Ipv4 => (ipv4('10.0.0.0') + n) as Ipv4
const station = (n: number): Mac => (mac('02:00:00:00:01:00') + n) as Mac

const anyHost = fc.integer({ min: 1, max: 8 })
const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resolve' as const), host: anyHost }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 0, max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('age' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('packet' as const),
      operation: fc.constantFrom('request' as const, 'reply' as const),
      sender: anyHost,
      target: anyHost,
      lie: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('addresses' as const), hosts: fc.uniqueArray(anyHost, { maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('static' as const), host: anyHost, pin: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('flush' as const), host: fc.option(anyHost, { nil: undefined }) }),
  },
)

describe('whatever happens', () => {
  it('every query ends exactly once, the cache keeps its bound, and nothing stays behind', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60 }), fc.integer(), (steps, seed) => {
        const { clock, random } = createVirtualRuntime(seed)
        const segment = createSegment(clock)
        const arp = createArp(
          { link: segment.station('02:00:00:00:00:01'), clock, random },
          { cacheSize: CACHE, lifetimeMs: 20_000 },
        )
        const world = segment.station('02:00:00:00:00:02')
        const ends: number[] = []
        arp.addAddress(host(1))

        for (const step of steps) {
          switch (step.do) {
            case 'resolve': {
              const query = ends.push(0) - 1
              arp.resolve(host(step.host), () => ends[query]!++)
              break
            }
            case 'advance':
              clock.advance(step.ms)
              break
            case 'age':
              clock.advance(20_000)
              break
            case 'packet': {
              const sha = station(step.lie ? step.sender + 50 : step.sender)
              const { operation, sender, target } = step
              world.write(mac('02:00:00:00:00:01'), 0x0806, PACKET_LEN, (buf, off) => {
                encode(buf, off, { operation, sha, spa: host(sender), tha: station(0), tpa: host(target) })
                return PACKET_LEN
              })
              clock.advance(1)
              break
            }
            case 'addresses':
              arp.setAddresses(step.hosts.map(host))
              break
            case 'static':
              if (arp.addresses().includes(host(step.host))) break
              if (arp.entries().filter((e) => e.state === 'static').length < CACHE || !step.pin)
                arp.setStatic(host(step.host), step.pin ? station(step.host) : undefined)
              break
            case 'flush':
              arp.flush(step.host === undefined ? undefined : host(step.host))
              break
            default:
              step satisfies never
          }
          expect(arp.entries().length).toBeLessThanOrEqual(CACHE)
          expect(Math.max(0, ...ends)).toBeLessThanOrEqual(1)
        }

        clock.advance(6000)
        expect(ends).toEqual(ends.map(() => 1))
        arp.close()
        expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
      }),
      { numRuns: 300 },
    )
  })
})
