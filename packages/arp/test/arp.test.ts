import { formatMac, type Ipv4, ipv4, type Mac, mac } from '@fata/addr'
import { createPointToPoint, type Neighbors } from '@fata/link'
import { createCallbackNet } from '@fata/net'
import { createVirtualRuntime, type Logger, type VirtualRuntime } from '@fata/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Arp, type ArpConflict, type ArpOptions, createArp } from '../src/index.ts'
import { createSegment, type Segment } from './support/segment.ts'

const ALICE = ipv4('10.0.0.1')
const BOB = ipv4('10.0.0.2')
const NOBODY = ipv4('10.0.0.3')
const BOB_MAC = mac('02:00:00:00:00:0b')

describe('ARP on a link', () => {
  let runtime: VirtualRuntime
  let segment: Segment
  let alice: Arp
  let bob: Arp

  function join(address: string, options?: ArpOptions, log?: Logger): Arp {
    const { clock, random } = runtime
    return createArp({ link: segment.station(address), clock, random, log }, options)
  }

  /** What `resolve` tells, once it does. */
  function asked(arp: Arp, address: Ipv4): (string | undefined)[] {
    const told: (string | undefined)[] = []
    arp.resolve(address, (answer) => told.push(answer === undefined ? 'nobody' : formatMac(answer)))
    return told
  }

  beforeEach(() => {
    runtime = createVirtualRuntime(7)
    segment = createSegment(runtime.clock)
    alice = join('02:00:00:00:00:0a')
    bob = join('02:00:00:00:00:0b')
    alice.setAddresses([ALICE])
    bob.setAddresses([BOB])
    runtime.clock.advance(5000)
  })

  it('needs a link with hardware addresses', () => {
    const { net } = createCallbackNet({ medium: 'ip', mtu: 1500, send: () => {} })
    const { clock, random } = runtime
    expect(() => createArp({ link: createPointToPoint(net), clock, random })).toThrow(TypeError)
  })

  it('refuses options out of range', () => {
    expect(() => join('02:00:00:00:00:0c', { cacheSize: 0 })).toThrow(RangeError)
  })

  it('finds a neighbour, and both know each other', () => {
    const neighbors: Neighbors<Ipv4> = alice
    expect(neighbors.lookup(BOB)).toBeUndefined()
    const told = asked(alice, BOB)
    expect(told).toEqual([])
    runtime.clock.advance(2)
    expect(told).toEqual(['02:00:00:00:00:0b'])
    expect(neighbors.lookup(BOB)).toBe(BOB_MAC)
    expect(bob.entries()).toEqual([{ address: ALICE, state: 'reachable', mac: mac('02:00:00:00:00:0a') }])
    expect(asked(alice, BOB)).toEqual(['02:00:00:00:00:0b'])
    expect(alice.stats).toMatchObject({
      requestsSent: 1,
      repliesReceived: 1,
      announcementsSent: 2,
      dropped: { 'not-for-us': 2 },
    })
  })

  it('tells everybody who waits, once, in order', () => {
    const order: number[] = []
    for (let i = 0; i < 5; i++) alice.resolve(BOB, () => order.push(i))
    runtime.clock.advance(100_000)
    expect(order).toEqual([0, 1, 2, 3, 4])
    expect(alice.stats.requestsSent).toBe(1)
  })

  it('tells those behind one who throws, and does not hide the error', () => {
    alice.resolve(BOB, () => {
      throw new Error('mine')
    })
    const told = asked(alice, BOB)
    expect(() => runtime.clock.advance(2)).toThrow('mine')
    expect(told).toEqual(['02:00:00:00:00:0b'])
  })

  it('knows itself', () => {
    expect(asked(alice, ALICE)).toEqual(['02:00:00:00:00:0a'])
  })

  it('says that nobody answers', () => {
    const told = asked(alice, NOBODY)
    runtime.clock.advance(4999)
    expect(told).toEqual([])
    runtime.clock.advance(1)
    expect(told).toEqual(['nobody'])
    expect(asked(alice, NOBODY)).toEqual(['nobody'])
    expect(alice.stats.requestsSent).toBe(5)
    expect(alice.stats.failures).toBe(2)
  })

  it('leaves no timer behind', () => {
    asked(alice, NOBODY)
    alice.setStatic(BOB, BOB_MAC)
    runtime.clock.advance(10_000)
    expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('lets a waiter ask again from within the answer', () => {
    const told: string[] = []
    alice.resolve(NOBODY, () => {
      told.push('first')
      alice.resolve(NOBODY, () => told.push('second'))
      alice.resolve(BOB, () => told.push('bob'))
    })
    runtime.clock.advance(20_000)
    expect(told).toEqual(['first', 'second', 'bob'])
  })

  it('bounds those who wait for one address', () => {
    const tight = join('02:00:00:00:00:0c', { maxWaiters: 2 })
    tight.addAddress(ipv4('10.0.0.12'))
    const told = [asked(tight, NOBODY), asked(tight, NOBODY), asked(tight, NOBODY)]
    expect(told).toEqual([[], [], ['nobody']])
    expect(tight.stats.dropped).toEqual({ 'too-many-waiters': 1 })
  })

  it('counts packets that are none', () => {
    const link = segment.station('02:00:00:00:00:0c')
    link.write(BOB_MAC, 0x0806, 3, () => 3)
    runtime.clock.advance(1)
    expect(bob.stats.dropped['too-short']).toBe(1)
    expect(bob.stats.requestsReceived).toBe(2)
  })

  it('survives a device that refuses to send', () => {
    segment.down = true
    const told = asked(alice, BOB)
    runtime.clock.advance(10_000)
    expect(told).toEqual(['nobody'])
    expect(alice.stats.dropped['send-failed']).toBe(5)
    expect(alice.stats.requestsSent).toBe(0)
  })

  it('throws on what is no address of a host', () => {
    for (const text of ['0.0.0.0', '255.255.255.255', '239.1.2.3', '127.0.0.1']) {
      expect(() => alice.addAddress(ipv4(text))).toThrow(RangeError)
      expect(() => alice.setAddresses([ALICE, ipv4(text)])).toThrow(RangeError)
      expect(() => void alice.probe(ipv4(text))).toThrow(RangeError)
    }
    expect(alice.addresses()).toEqual([ALICE])
  })

  it('pins neighbours, but not itself, and no more than the cache holds', () => {
    expect(() => alice.setStatic(ALICE, BOB_MAC)).toThrow(RangeError)
    const tight = join('02:00:00:00:00:0c', { cacheSize: 1 })
    tight.setStatic(BOB, BOB_MAC)
    expect(tight.lookup(BOB)).toBe(BOB_MAC)
    expect(() => tight.setStatic(NOBODY, BOB_MAC)).toThrow(expect.objectContaining({ code: 'ERR_ARP_FULL' }))
    tight.setStatic(BOB, undefined)
    expect(tight.entries()).toEqual([])
  })

  it('forgets a neighbour that is said to be dead', () => {
    const told = asked(alice, BOB)
    alice.flush()
    expect(told).toEqual(['nobody'])
    asked(alice, BOB)
    runtime.clock.advance(2)
    alice.flush(BOB)
    expect(alice.lookup(BOB)).toBeUndefined()
  })

  it('counts evictions', () => {
    const tight = join('02:00:00:00:00:0c', { cacheSize: 1 })
    tight.addAddress(ipv4('10.0.0.12'))
    const first = asked(tight, NOBODY)
    asked(tight, BOB)
    expect(first).toEqual(['nobody'])
    expect(tight.stats.evictions).toBe(1)
  })

  describe('with a conflict', () => {
    it('tells the listeners, defends, and both go on', () => {
      const heard: ArpConflict[] = []
      const leave = alice.onConflict((conflict) => heard.push(conflict))
      bob.addAddress(ALICE)
      runtime.clock.advance(1)
      expect(heard).toEqual([{ address: ALICE, mac: BOB_MAC, defended: true, lost: false }])
      runtime.clock.advance(5000)
      expect(heard).toHaveLength(2)
      expect(heard[1]).toMatchObject({ defended: false })
      expect(alice.stats.conflicts).toBe(2)
      leave()
      bob.removeAddress(ALICE)
      bob.addAddress(ALICE)
      runtime.clock.advance(30_000)
      expect(heard).toHaveLength(2)
    })

    it.each([
      ['yield', [{ defended: false, lost: true }], 0],
      [
        'defend-once',
        [
          { defended: true, lost: false },
          { defended: false, lost: true },
        ],
        2000,
      ],
    ] as const)('gives the address up by policy %s (RFC 5227 §2.4)', (conflictPolicy, expected, at) => {
      const own = ipv4('10.0.0.77')
      const carol = join('02:00:00:00:00:0c', { conflictPolicy })
      const heard: ArpConflict[] = []
      carol.onConflict((conflict) => heard.push(conflict))
      carol.addAddress(own)
      runtime.clock.advance(10_000)
      bob.addAddress(own)
      runtime.clock.advance(at + 10)
      expect(heard).toEqual(expected.map((what) => ({ address: own, mac: BOB_MAC, ...what })))
      expect(carol.addresses()).toEqual([])
      runtime.clock.advance(100_000)
      expect(heard).toHaveLength(expected.length)
      carol.close()
    })

    it('ends the queries that the lost address was asked with', () => {
      const carol = join('02:00:00:00:00:0c', { conflictPolicy: 'yield' })
      carol.addAddress(ipv4('10.0.0.77'))
      const answers: unknown[] = []
      carol.resolve(ipv4('10.0.0.99'), (found) => answers.push(found))
      bob.addAddress(ipv4('10.0.0.77'))
      runtime.clock.advance(1)
      expect(answers).toEqual([undefined])
      carol.close()
    })

    it('does not fight forever', () => {
      bob.addAddress(ALICE)
      runtime.clock.advance(1_000_000)
      expect(alice.stats.announcementsSent + bob.stats.announcementsSent).toBeLessThan(20)
    })
  })

  describe('probing', () => {
    it('tells that an address is free, in 4 to 7 seconds', async () => {
      const start = runtime.clock.now()
      expect(await runtime.clock.settle(alice.probe(NOBODY))).toBe(true)
      const took = runtime.clock.now() - start
      expect(took).toBeGreaterThanOrEqual(4000)
      expect(took).toBeLessThanOrEqual(7000)
      expect(alice.stats.probesSent).toBe(3)
    })

    it('tells that it is not, as soon as the owner answers', async () => {
      const start = runtime.clock.now()
      expect(await runtime.clock.settle(alice.probe(BOB))).toBe(false)
      expect(runtime.clock.now() - start).toBeLessThanOrEqual(1002)
      expect(alice.stats.probesSent).toBe(1)
    })

    it('works before this host has an address', async () => {
      const fresh = join('02:00:00:00:00:0c')
      expect(await runtime.clock.settle(fresh.probe(BOB))).toBe(false)
      expect(await runtime.clock.settle(fresh.probe(NOBODY))).toBe(true)
    })

    it('lets neither have an address that two probe for at once', async () => {
      const both = Promise.all([alice.probe(NOBODY), bob.probe(NOBODY)])
      const result = await runtime.clock.settle(both)
      expect(result).toContain(false)
    })

    it('is shared by those who ask for one address', async () => {
      const results = await runtime.clock.settle(Promise.all([alice.probe(NOBODY), alice.probe(NOBODY)]))
      expect(results).toEqual([true, true])
      expect(alice.stats.probesSent).toBe(3)
    })

    it('ends with the signal', async () => {
      const controller = new AbortController()
      const reason = new Error('changed my mind')
      const probing = alice.probe(NOBODY, { signal: controller.signal })
      runtime.clock.advance(1500)
      const sent = alice.stats.probesSent
      controller.abort(reason)
      await expect(probing).rejects.toBe(reason)
      runtime.clock.advance(60_000)
      expect(alice.stats.probesSent).toBe(sent)
      await expect(alice.probe(NOBODY, { signal: controller.signal })).rejects.toBe(reason)
    })

    it('goes on while somebody still waits', async () => {
      const controller = new AbortController()
      const impatient = alice.probe(NOBODY, { signal: controller.signal })
      const patient = alice.probe(NOBODY)
      controller.abort(new Error('enough'))
      await expect(impatient).rejects.toThrow('enough')
      expect(await runtime.clock.settle(patient)).toBe(true)
    })

    it('lets go of the signal when it has ended', async () => {
      const controller = new AbortController()
      expect(await runtime.clock.settle(alice.probe(NOBODY, { signal: controller.signal }))).toBe(true)
      controller.abort()
      expect(await runtime.clock.settle(alice.probe(NOBODY))).toBe(true)
    })

    it('is bounded', async () => {
      const tight = join('02:00:00:00:00:0c', { maxProbes: 1 })
      const first = tight.probe(NOBODY)
      await expect(tight.probe(BOB)).rejects.toMatchObject({ name: 'ArpError', code: 'ERR_ARP_FULL' })
      expect(await runtime.clock.settle(Promise.all([first, tight.probe(NOBODY)]))).toEqual([true, true])
    })

    it('warns in the log of who has the address', async () => {
      const lines: string[] = []
      const log: Logger = {
        enabled: () => true,
        log: (level, source, message, fields) => lines.push(`${level} ${source}: ${message} ${JSON.stringify(fields)}`),
      }
      const chatty = join('02:00:00:00:00:0c', {}, log)
      await runtime.clock.settle(chatty.probe(BOB))
      expect(lines).toEqual(['warn arp: address is not free {"address":"10.0.0.2","mac":"02:00:00:00:00:0b"}'])
    })
  })

  describe('when it is closed', () => {
    it('ends everything that waits', async () => {
      const told = asked(alice, NOBODY)
      const probing = alice.probe(ipv4('10.0.0.9'))
      alice.close()
      alice.close()
      expect(told).toEqual(['nobody'])
      await expect(probing).rejects.toMatchObject({ code: 'ERR_ARP_CLOSED' })
      await expect(alice.probe(BOB)).rejects.toMatchObject({ code: 'ERR_ARP_CLOSED' })
    })

    it('answers nothing, knows nothing and sends nothing', () => {
      asked(alice, BOB)
      runtime.clock.advance(2)
      alice.close()
      const sent = segment.frames.length
      alice.addAddress(NOBODY)
      alice.setAddresses([NOBODY])
      alice.setStatic(BOB, BOB_MAC)
      alice.removeAddress(NOBODY)
      expect(alice.lookup(BOB)).toBeUndefined()
      expect(asked(alice, BOB)).toEqual(['nobody'])
      expect(segment.frames).toHaveLength(sent)
      const told = asked(bob, ALICE)
      bob.flush()
      asked(bob, ALICE)
      runtime.clock.advance(30_000)
      expect(told).toEqual(['02:00:00:00:00:0a'])
      expect(bob.lookup(ALICE)).toBeUndefined()
    })

    it('may be closed from within an answer', () => {
      const told: (Mac | undefined)[] = []
      alice.resolve(BOB, () => alice.close())
      alice.resolve(NOBODY, (answer) => told.push(answer))
      runtime.clock.advance(10)
      expect(told).toEqual([undefined])
      bob.close()
      expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    })
  })
})
