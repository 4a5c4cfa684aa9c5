import { type Endpoint, endpoint, type IpAddress, ip } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ephemeralPort } from '../src/core/ephemeral.ts'
import { type Binding, EVERY_PORT, type Family, PortTable } from '../src/core/port-table.ts'

interface Named extends Binding {
  readonly name: string
}

/** A binding in words: `10.0.0.1:53`, `*:53`, `v4:53`, `v6:53`, `*:any`, and ` < peer` for connected ones. */
function binding(text: string, shared = false): Named {
  const [own, peer] = text.split(' < ') as [string, string | undefined]
  const colon = own.lastIndexOf(':')
  const [address, port] = [own.slice(0, colon), own.slice(colon + 1)]
  const wild = address === '*' || address === 'v4' || address === 'v6'
  const local = wild ? undefined : ip(address.replace(/[[\]]/g, ''))
  const family: Family =
    address === '*' ? 'both' : address === 'v4' || (!wild && !address.includes(':')) ? 'ipv4' : 'ipv6'
  const remote = peer === undefined ? undefined : endpoint(peer)
  return { name: text, local, family, localPort: port === 'any' ? EVERY_PORT : Number(port), remote, shared }
}

function table(...texts: string[]): PortTable<Named> {
  const t = new PortTable<Named>(12345)
  for (const text of texts) expect(t.add(binding(text)), text).toBe(true)
  return t
}

const PEER = '192.0.2.9:1000'

function found(t: PortTable<Named>, to: string, from = PEER): string | undefined {
  const [remote, local] = [endpoint(from), endpoint(to)]
  return t.find(remote.address, remote.port, local.address, local.port)?.name
}

function foundAll(t: PortTable<Named>, to: string, from = PEER): string[] {
  const [remote, local] = [endpoint(from), endpoint(to)]
  const all: Named[] = []
  t.findAll(remote.address, remote.port, local.address, local.port, all)
  return all.map(({ name }) => name)
}

describe('who gets a datagram', () => {
  it('is the most specific socket', () => {
    const names = ['*:any', '10.0.0.1:any', '*:53', '10.0.0.1:53', `*:53 < ${PEER}`, `10.0.0.1:53 < ${PEER}`]
    for (let n = names.length; n > 0; n--) {
      expect(found(table(...names.slice(0, n)), '10.0.0.1:53')).toBe(names[n - 1])
      expect(found(table(...names.slice(0, n).reverse()), '10.0.0.1:53')).toBe(names[n - 1])
    }
  })

  it('is the socket of one family before that of both', () => {
    const t = new PortTable<Named>(1)
    t.add(binding('*:53', true))
    t.add(binding('v6:53', true))
    expect(found(t, '[2001:db8::1]:53', '[2001:db8::2]:9')).toBe('v6:53')
    expect(found(t, '10.0.0.1:53')).toBe('*:53')
  })

  it('is nobody of another port, address, family or peer', () => {
    const t = table('10.0.0.1:53', 'v6:54', `*:55 < ${PEER}`)
    expect(found(t, '10.0.0.1:52')).toBeUndefined()
    expect(found(t, '10.0.0.2:53')).toBeUndefined()
    expect(found(t, '10.0.0.1:54')).toBeUndefined()
    expect(found(t, '10.0.0.1:55', '192.0.2.9:1001')).toBeUndefined()
    expect(found(t, '10.0.0.1:55', '192.0.2.8:1000')).toBeUndefined()
    expect(found(t, '10.0.0.1:55')).toBe(`*:55 < ${PEER}`)
  })

  it('is every socket that hears the group', () => {
    const t = new PortTable<Named>(1)
    const names = ['*:5353', 'v4:5353', '224.0.0.251:5353', '10.0.0.1:5353', `*:5353 < ${PEER}`, '*:any']
    for (const name of names) t.add(binding(name, true))
    expect(foundAll(t, '224.0.0.251:5353').sort()).toEqual(
      ['*:5353', 'v4:5353', '224.0.0.251:5353', `*:5353 < ${PEER}`].sort(),
    )
    expect(foundAll(t, '224.0.0.251:9')).toEqual(['*:any'])
    expect(foundAll(t, '[ff02::fb]:5353', '[fe80::1]:5353')).toEqual(['*:5353'])
  })

  it('is the latest of those who share', () => {
    const t = new PortTable<Named>(1)
    const [a, b] = [binding('*:53', true), binding('*:53', true)]
    t.add(a)
    t.add(b)
    const at = ip('10.0.0.1')
    expect(t.find(at, 1, at, 53)).toBe(b)
    t.remove(b)
    expect(t.find(at, 1, at, 53)).toBe(a)
  })
})

describe('a binding', () => {
  it.each([
    ['*:53', '*:53'],
    ['*:53', 'v4:53'],
    ['*:53', 'v6:53'],
    ['v4:53', 'v4:53'],
    ['10.0.0.1:53', '10.0.0.1:53'],
    ['*:any', '*:any'],
    [`*:53 < ${PEER}`, `*:53 < ${PEER}`],
  ])('%s excludes %s', (a, b) => {
    for (const [first, second] of [
      [a, b],
      [b, a],
    ] as const) {
      const t = table(first)
      expect(t.add(binding(second))).toBe(false)
      expect(t.add(binding(second, true))).toBe(false)
      expect(t.size).toBe(1)
    }
  })

  it.each([
    ['v4:53', 'v6:53'],
    ['*:53', '10.0.0.1:53'],
    ['10.0.0.1:53', '10.0.0.2:53'],
    ['*:53', '*:54'],
    ['*:53', '*:any'],
    ['*:53', `*:53 < ${PEER}`],
    [`*:53 < ${PEER}`, '*:53 < 192.0.2.9:1001'],
    [`*:53 < ${PEER}`, `10.0.0.1:53 < ${PEER}`],
  ])('%s leaves room for %s', (a, b) => {
    expect(table(a, b).size).toBe(2)
  })

  it('may be shared where all agree', () => {
    const t = table()
    expect(t.add(binding('*:53', true))).toBe(true)
    expect(t.add(binding('*:53', true))).toBe(true)
    expect(t.add(binding('*:53', false))).toBe(false)
  })

  it('counts as use of its port until the last one has gone', () => {
    const t = table()
    const [a, b] = [binding('*:53'), binding(`*:53 < ${PEER}`)]
    t.add(a)
    t.add(b)
    t.remove(a)
    expect(t.isUsed(53)).toBe(true)
    expect(t.size).toBe(1)
    t.remove(b)
    t.remove(b)
    expect(t.isUsed(53)).toBe(false)
    expect(t.size).toBe(0)
    expect(t.all()).toEqual([])
  })
})

describe('connected sockets', () => {
  it('are found among thousands, whatever their hashes', () => {
    const anyPeer: fc.Arbitrary<Endpoint> = fc.record({
      address: fc.oneof(
        fc.integer({ min: 1, max: 0xffffffff }).map((n) => n as IpAddress),
        fc.tuple(fc.nat(), fc.nat(3), fc.nat(3), fc.nat()).map(([w0, w1, w2, w3]) => ({ w0, w1, w2, w3, zone: '' })),
      ),
      port: fc.integer({ min: 1, max: 65535 }),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(anyPeer, { minLength: 50, maxLength: 200, selector: JSON.stringify }),
        fc.integer(),
        (peers, seed) => {
          const t = new PortTable<Named>(seed)
          const sockets = peers.map((remote, i) => ({ ...binding('*:53'), name: String(i), remote }))
          for (const socket of sockets) expect(t.add(socket)).toBe(true)
          for (const s of sockets) expect(t.find(s.remote.address, s.remote.port, ip('10.0.0.1'), 53)).toBe(s)
          for (const s of sockets) t.remove(s)
          expect(t.size).toBe(0)
        },
      ),
      { numRuns: 20 },
    )
  })
})

describe('an ephemeral port (RFC 6056 §3.3)', () => {
  it('is any of the range, each about as often', () => {
    const random = seededRandom(3)
    const counts = new Map<number, number>()
    for (let i = 0; i < 8000; i++) {
      const port = ephemeralPort(random, 40000, 40007, () => false)!
      counts.set(port, (counts.get(port) ?? 0) + 1)
    }
    expect([...counts.keys()].sort()).toEqual([40000, 40001, 40002, 40003, 40004, 40005, 40006, 40007])
    for (const n of counts.values()) expect(Math.abs(n - 1000)).toBeLessThan(150)
  })

  it('is found when it is the last free one of all', () => {
    for (let seed = 0; seed < 20; seed++)
      expect(ephemeralPort(seededRandom(seed), 1024, 65535, (port) => port !== 31337)).toBe(31337)
  })

  it('is none when all are in use', () => {
    expect(ephemeralPort(seededRandom(1), 50000, 50100, () => true)).toBeUndefined()
  })
})
