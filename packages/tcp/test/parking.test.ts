import { ip } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { Connection } from '../src/core/connection.ts'
import { createContext } from '../src/core/context.ts'
import { createEcn } from '../src/core/ecn.ts'
import { idOf, Packer } from '../src/core/parking.ts'
import { rackOf } from '../src/core/rack.ts'
import { tallyOf } from '../src/core/tally.ts'
import type { ConnectionFlow } from '../src/flow.ts'
import { checkOptions } from '../src/options.ts'
import { createTcpStats } from '../src/stats.ts'
import { Pair, type PairOptions } from './support/pair.ts'
import { Script } from './support/script.ts'

const LONG = 60_000
const SILENCE = 10_000

/** What tells whether a connection is quiet, so that no random value may stand there. */
const FIXED = new Set([
  'local',
  'remote',
  'needs',
  'events',
  'touched',
  'slot',
  'sndUna',
  'sndEnd',
  'rcvNxt',
  'lastAckSent',
])

function context(): ReturnType<typeof createContext> {
  return createContext(checkOptions({}), createTcpStats(), seededRandom(1))
}

/** Gives every number and flag of an object another value. */
function scramble(fields: object, random: ReturnType<typeof seededRandom>): void {
  const record = fields as Record<string, unknown>
  for (const [name, value] of Object.entries(record)) {
    if (FIXED.has(name) || /Port$/.test(name)) continue
    const word = random.uint32()
    if (typeof value === 'boolean') record[name] = (word & 1) === 1
    else if (typeof value === 'number')
      record[name] = [word | 0, word / 1024, word % 100, Number.POSITIVE_INFINITY, value][word % 5]
  }
}

function quiet(family: 4 | 6, seed: number): Connection {
  const random = seededRandom(seed)
  const id = {
    local: ip(family === 4 ? '203.0.113.9' : 'fd00::9'),
    localPort: 1 + (random.uint32() % 65535),
    remote: ip(family === 4 ? '10.1.2.3' : '2001:db8::ffff:1'),
    remotePort: 1 + (random.uint32() % 65535),
    passive: seed % 2 === 0,
  }
  const c = new Connection(context(), id, { keepalive: undefined })
  scramble(c, random)
  if (seed % 2 === 0) scramble(rackOf(c), random)
  if (seed % 3 === 0) scramble(tallyOf(c), random)
  if (seed % 5 === 0) scramble(createEcn(c), random)
  c.congestion.cwnd = random.uint32()
  c.congestion.ssthresh = random.uint32()
  c.state = 'ESTABLISHED'
  c.sndUna = c.sndEnd = random.uint32() | 0
  c.rcvNxt = c.lastAckSent = random.uint32() | 0
  return c
}

describe('a packed connection', () => {
  it('is the same again, whatever its numbers were', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const c = quiet(seed % 4 === 0 ? 6 : 4, seed)
      const packer = new Packer(c.tcp)
      const packed = packer.pack(c)
      expect(packed, `seed ${seed}`).toBeDefined()
      const again = packer.unpack(packed!, c.chosen)
      const { cwnd, ssthresh } = c.congestion
      expect(again.congestion, `seed ${seed}`).toMatchObject({ cwnd, ssthresh })
      // The algorithm's memory is not kept, the pace follows from the options, and the owner of a timer that does not run says nothing.
      const kept = { congestion: undefined, pace: undefined }
      expect({ ...again, ...kept }, `seed ${seed}`).toEqual({ ...c, ...kept })
      expect(idOf(packed!)).toMatchObject({ local: c.local, remote: c.remote, remotePort: c.remotePort })
    }
  })

  it('takes few bytes when it is an ordinary one', async () => {
    const t = new Script()
    const flow = await t.accept()
    await t.advance(LONG)
    const { packed } = flow as ConnectionFlow
    expect(packed?.length).toBeLessThan(160)
  })

  it.each<[string, (c: Connection) => void]>([
    ['owes an acknowledgment', (c) => (c.needs = 1)],
    ['has something to tell', (c) => (c.events = 2)],
    ['is listed to be served', (c) => (c.touched = true)],
    ['has bytes that are not acknowledged', (c) => c.sndEnd++],
    ['has not acknowledged what it received', (c) => c.rcvNxt++],
    ['is closing', (c) => (c.state = 'FIN-WAIT-2')],
    ['knows an error that it has not told', (c) => (c.softError = 'net-unreachable')],
    ['is in recovery', (c) => (c.recovery = 'fast')],
    [
      'is watched by keepalive',
      (c) => (c.keepalive = { config: { idleMs: 1, intervalMs: 1, probes: 1 }, at: 5, probes: 0 }),
    ],
  ])('is none where it %s', (_, change) => {
    const c = quiet(4, 1)
    change(c)
    expect(new Packer(c.tcp).pack(c)).toBeUndefined()
  })
})

/** Two ends that have exchanged something and have then been silent. */
async function silentPair(options: PairOptions = {}): Promise<Pair & { ends: Awaited<ReturnType<Pair['connect']>> }> {
  const pair = new Pair(options)
  const ends = await pair.connect()
  await ends.client.write(Uint8Array.of(1))
  await pair.settle(ends.server.read())
  await pair.clock.run(() => pair.a.stats.parked + pair.b.stats.parked === 2, LONG)
  expect([pair.a.stats.parked, pair.b.stats.parked]).toEqual([1, 1])
  return Object.assign(pair, { ends })
}

describe('parking', () => {
  it('comes after the silence that the option says, and not with Infinity', async () => {
    const t = new Script({ parkAfterMs: SILENCE })
    await t.accept()
    await t.advance(SILENCE - 1)
    expect(t.tcp.stats.parked).toBe(0)
    await t.advance(1)
    expect(t.tcp.stats.parked).toBe(1)
    const never = new Script({ parkAfterMs: Number.POSITIVE_INFINITY })
    await never.accept()
    await never.advance(100 * LONG)
    expect(never.tcp.stats.parked).toBe(0)
  })

  it('ends with a segment of the peer: a read that waits gets its bytes', async () => {
    const pair = await silentPair({ link: { latencyMs: 5 } })
    const { client, server } = pair.ends
    const read = client.read()
    await server.write(Uint8Array.of(1, 2, 3))
    expect(await pair.settle(read)).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('ends with a call, and begins again where it was for nothing', async () => {
    const pair = await silentPair({ v6: true })
    const before = pair.ends.client.info()
    expect(pair.a.stats.parked).toBe(0)
    await pair.clock.run()
    expect(pair.a.stats.parked).toBe(1)
    expect({ ...pair.ends.client.info(), sinceTextOutMs: 0, sinceHeardMs: 0 }).toEqual({
      ...before,
      sinceTextOutMs: 0,
      sinceHeardMs: 0,
    })
  })

  it('is not seen in the list of connections', async () => {
    const pair = await silentPair()
    const { client } = pair.ends
    const listed = pair.a.connections()
    expect(pair.a.stats.parked).toBe(1)
    expect(listed).toEqual([{ state: 'ESTABLISHED', local: client.local, remote: client.remote }])
  })

  it('ends in good order by close, and by a reset of the peer', async () => {
    const orderly = await silentPair()
    await orderly.settle(Promise.all([orderly.ends.client.close(), orderly.ends.server.close()]))
    await orderly.end()
    const broken = await silentPair()
    const read = broken.ends.client.read()
    broken.ends.server.abort()
    await expect(broken.settle(read)).rejects.toMatchObject({ code: 'ERR_TCP_RESET' })
    await broken.end()
  })

  it('counts for the limit of connections, and keeps its ports', async () => {
    const pair = await silentPair({ a: { maxConnections: 1 } })
    const { local } = pair.ends.client
    const target = { address: pair.bIp.address, port: 80 }
    await expect(pair.a.connect({ ...target, port: 81 })).rejects.toMatchObject({ code: 'ERR_TCP_LIMIT' })
    await expect(pair.a.connect({ ...target, localPort: local.port })).rejects.toMatchObject({
      code: 'ERR_TCP_PORT_IN_USE',
    })
  })

  it('does not outlast TCP', async () => {
    const pair = await silentPair()
    const read = pair.ends.client.read()
    read.catch(() => {})
    await pair.clock.run()
    await pair.a.close()
    await expect(read).rejects.toMatchObject({ code: 'ERR_TCP_CLOSED' })
    expect(pair.a.connections()).toEqual([])
  })
})
