import { ipv4, ipv4Prefix } from '@fata/addr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ClientCoreSettings } from '../src/core/client.ts'
import {
  getOption,
  OPTION_CLASSLESS_ROUTES,
  OPTION_HOST_NAME,
  OPTION_LEASE_TIME,
  OPTION_MESSAGE,
  OPTION_PARAMETERS,
  OPTION_REBINDING_TIME,
  OPTION_RENEWAL_TIME,
  OPTION_ROUTERS,
  OPTION_SERVER_ID,
  OPTION_SUBNET_MASK,
} from '../src/wire.ts'
import { type ClientScript, clientScript } from './support/client-script.ts'
import { ADDRESS, grant, message, nak, OTHER_SERVER, SERVER, setting } from './support/messages.ts'

const DISCOVER = 'discover 0.0.0.0 > 255.255.255.255 B'
const DISCOVER_AGAIN = `${DISCOVER} requested 10.0.0.100`
const REQUEST = 'request 0.0.0.0 > 255.255.255.255 B requested 10.0.0.100 server 10.0.0.1'
const REBOOT = 'request 0.0.0.0 > 255.255.255.255 B requested 10.0.0.100'
const RENEW = 'request 10.0.0.100 > 10.0.0.1 ciaddr 10.0.0.100'
const REBIND = 'request 10.0.0.100 > 255.255.255.255 ciaddr 10.0.0.100'
const DECLINE = 'decline 0.0.0.0 > 255.255.255.255 requested 10.0.0.100 server 10.0.0.1'
const RELEASE = 'release 10.0.0.100 > 10.0.0.1 ciaddr 10.0.0.100 server 10.0.0.1'

/** A client that has just sent its DHCPREQUEST. */
function requesting(settings: Partial<ClientCoreSettings> = {}, seed = 1): ClientScript {
  const s = clientScript({ collectMs: 0, ...settings }, seed)
  s.starts()
  s.arrives(grant('offer', s.xid))
  return s
}

/** A client with a lease of an hour that began right now. */
function bound(): ClientScript {
  const s = requesting({ probes: false })
  expect(s.arrives(grant('ack', s.xid))).toEqual(['acquired 10.0.0.100'])
  return s
}

describe('acquiring', () => {
  it('discovers, requests, probes and is bound', () => {
    const s = clientScript()
    expect(s.starts()).toEqual([DISCOVER])
    expect(s.core.state.kind).toBe('selecting')
    expect(s.arrives(grant('offer', s.xid))).toEqual([])
    expect(s.passes(1)).toEqual([`0.1: ${REQUEST}`])
    expect(s.sent[1]!.xid).toBe(s.sent[0]!.xid)
    expect(s.arrives(grant('ack', s.xid))).toEqual(['probe 10.0.0.100'])
    expect(s.core.state.kind).toBe('checking')
    expect(s.core.lease).toBeUndefined()
    expect(s.probed(ADDRESS, true)).toEqual(['acquired 10.0.0.100'])
    expect(s.core.state.kind).toBe('bound')
    expect(s.core.lease).toMatchObject({ address: ADDRESS, prefixLength: 24, server: SERVER })
  })

  it('says the same of itself in every message that asks, and asks for the same', () => {
    const s = requesting()
    for (const m of s.sent) {
      expect(getOption(m.options, OPTION_PARAMETERS)).toEqual([1, 3, 6])
      expect(getOption(m.options, OPTION_HOST_NAME)).toBe('alice')
    }
  })

  it('retransmits after 4, 8, 16, 32, 64, 64 s, each up to a second more or less', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const s = clientScript({}, seed)
        expect(s.starts()).toEqual([DISCOVER])
        const lines = s.passes(330)
        let last = 0
        for (const [i, nominal] of [4, 8, 16, 32, 64, 64, 64].entries()) {
          const at = Number.parseFloat(lines[i]!)
          expect(Math.abs(at - last - nominal)).toBeLessThanOrEqual(1.1)
          expect(lines[i]).toContain(DISCOVER)
          last = at
        }
        expect(new Set(s.sent.map(({ xid }) => xid)).size).toBe(1)
        expect(s.sent.at(-1)!.secs).toBeGreaterThan(240)
      }),
      { numRuns: 30 },
    )
  })

  it('waits at the start where it is told to', () => {
    const s = clientScript({ startDelayMs: 10_000 })
    expect(s.starts()).toEqual([])
    expect(s.core.state.kind).toBe('init')
    expect(s.passes(10).filter((l) => l.endsWith(DISCOVER))).not.toEqual([])
  })

  it('takes the best of the offers that come in time', () => {
    const s = clientScript()
    s.starts()
    const other = ipv4('10.0.0.101')
    s.arrives(grant('offer', s.xid))
    s.arrives(
      grant('offer', s.xid, { yiaddr: other }, [
        setting(OPTION_SERVER_ID, OTHER_SERVER),
        setting(OPTION_ROUTERS, [OTHER_SERVER]),
      ]),
    )
    s.arrives(grant('offer', s.xid, { yiaddr: ipv4('10.0.0.102') }, [setting(OPTION_LEASE_TIME, 9999)]))
    s.arrives(grant('offer', s.xid, { yiaddr: ipv4('10.0.0.103') }))
    expect(s.ignored).toBe('too-many-offers')
    expect(s.passes(1)).toEqual(['0.1: request 0.0.0.0 > 255.255.255.255 B requested 10.0.0.101 server 10.0.0.2'])
  })

  it('takes the longest of like offers, and the first of the same', () => {
    for (const [seconds, wins] of [
      [7200, '10.0.0.101'],
      [3600, '10.0.0.100'],
      [1800, '10.0.0.100'],
    ] as const) {
      const s = clientScript()
      s.starts()
      s.arrives(grant('offer', s.xid))
      s.arrives(grant('offer', s.xid, { yiaddr: ipv4('10.0.0.101') }, [setting(OPTION_LEASE_TIME, seconds)]))
      expect(s.passes(1)[0]).toContain(`requested ${wins} `)
    }
  })

  it.each([
    ['wrong-xid', (xid: number) => grant('offer', xid ^ 1)],
    ['unexpected', (xid: number) => grant('ack', xid)],
    ['unexpected', (xid: number) => nak(xid)],
    ['not-for-us', (xid: number) => grant('offer', xid, { chaddr: 5 as never })],
    ['no-server-id', (xid: number) => message({ type: 'offer', xid, yiaddr: ADDRESS })],
    [
      'no-lease-time',
      (xid: number) => message({ type: 'offer', xid, yiaddr: ADDRESS }, [setting(OPTION_SERVER_ID, SERVER)]),
    ],
    ['short-lease', (xid: number) => grant('offer', xid, {}, [setting(OPTION_LEASE_TIME, 9)])],
    ['bad-mask', (xid: number) => grant('offer', xid, {}, [setting(OPTION_SUBNET_MASK, ipv4('255.0.255.0'))])],
    ...['0.0.0.0', '255.255.255.255', '224.0.0.1', '127.0.0.1', '240.0.0.1', '0.1.2.3'].map(
      (a) => ['bad-address', (xid: number) => grant('offer', xid, { yiaddr: ipv4(a) })] as const,
    ),
  ] as const)('ignores an offer: %s', (reason, make) => {
    const s = clientScript({ collectMs: 0 })
    s.starts()
    expect(s.arrives(make(s.xid))).toEqual([])
    expect(s.ignored).toBe(reason)
    expect(s.core.state.kind).toBe('selecting')
  })

  it('repeats the request and begins anew when nobody acknowledges for a minute', () => {
    const s = requesting()
    const lines = s.passes(70)
    expect(lines.map((l) => l.replace(/^[\d.]+: /, '')).slice(0, 4)).toEqual([REQUEST, REQUEST, REQUEST, DISCOVER])
    expect(Number.parseFloat(lines[3]!)).toBeGreaterThan(55)
    expect(Number.parseFloat(lines[3]!)).toBeLessThan(65)
    expect(s.sent[0]!.xid).not.toBe(s.xid)
  })

  it.each([
    ['wrong-server', (xid: number) => grant('ack', xid, {}, [setting(OPTION_SERVER_ID, OTHER_SERVER)])],
    ['wrong-address', (xid: number) => grant('ack', xid, { yiaddr: ipv4('10.0.0.101') })],
    ['wrong-xid', (xid: number) => grant('ack', xid + 1)],
    ['unexpected', (xid: number) => grant('offer', xid)],
    ['wrong-server', (xid: number) => nak(xid, OTHER_SERVER)],
    ['no-server-id', (xid: number) => message({ type: 'nak', xid })],
  ] as const)('ignores an answer to its request: %s', (reason, make) => {
    const s = requesting()
    expect(s.arrives(make(s.xid))).toEqual([])
    expect(s.ignored).toBe(reason)
    expect(s.core.state.kind).toBe('requesting')
  })

  it('backs off when its request is refused, longer each time, and so cannot be driven to a storm', () => {
    const s = requesting()
    let pauses = 0
    for (const nominal of [4, 8, 16, 32, 64, 64]) {
      expect(s.arrives(nak(s.xid))).toEqual(['forget'])
      expect(s.core.state.kind).toBe('backing-off')
      expect(s.passes(nominal - 1.5)).toEqual([])
      expect(s.passes(3)[0]).toContain(DISCOVER)
      s.arrives(grant('offer', s.xid))
      pauses++
    }
    expect(pauses).toBe(6)
  })

  it('declines an address that is in use, waits ten seconds and begins anew', () => {
    const s = requesting()
    s.arrives(grant('ack', s.xid))
    expect(s.probed(ADDRESS, false)).toEqual(['forget', DECLINE])
    expect(getOption(s.sent.at(-1)!.options, OPTION_MESSAGE)).toBe('address is in use')
    expect(getOption(s.sent.at(-1)!.options, OPTION_PARAMETERS)).toBeUndefined()
    expect(s.core.state.kind).toBe('backing-off')
    expect(s.passes(9.9)).toEqual([])
    expect(s.passes(0.1)).toEqual([`0.1: ${DISCOVER}`])
  })

  it('does not believe a probe of another address, nor wait for one for ever', () => {
    const s = requesting()
    s.arrives(grant('ack', s.xid, {}, [setting(OPTION_LEASE_TIME, Number.POSITIVE_INFINITY)]))
    expect(s.probed(ipv4('10.0.0.101'), true)).toEqual([])
    expect(s.passes(121)[0]).toBe(`120.0: ${DISCOVER}`)
    expect(s.probed(ADDRESS, true)).toEqual([])
  })
})

describe('the lease', () => {
  it('is counted from the first request', () => {
    const s = requesting({ probes: false })
    const sentAt = s.now
    s.passes(10)
    s.arrives(grant('ack', s.xid))
    expect(s.core.lease).toMatchObject({
      renewAt: sentAt + 1_800_000,
      rebindAt: sentAt + 3_150_000,
      expiresAt: sentAt + 3_600_000,
    })
  })

  it.each([
    ['the server has others', [60, 100, 3600], [60, 100]],
    ['T1 is not before T2', [100, 100, 3600], [1800, 3150]],
    ['T2 is not before the end', [100, 3600, 3600], [1800, 3150]],
    ['T1 is a storm', [1, 3000, 3600], [60, 3000]],
    ['the lease is short', [5, 17, 20], [10, 17.5]],
    [
      'nothing ends',
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ],
    [
      'only T1 comes',
      [100, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ],
  ] as const)('has T1 and T2: %s', (_name, [t1, t2, end], [renew, rebind]) => {
    const s = requesting({ probes: false })
    s.arrives(
      grant('ack', s.xid, {}, [
        setting(OPTION_RENEWAL_TIME, t1),
        setting(OPTION_REBINDING_TIME, t2),
        setting(OPTION_LEASE_TIME, end),
      ]),
    )
    const { lease } = s.core
    expect([lease!.renewAt, lease!.rebindAt]).toEqual([s.now + renew * 1000, s.now + rebind * 1000])
    if (renew === Number.POSITIVE_INFINITY) expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('has the routes of RFC 3442 where there are any, else those by the routers', () => {
    const routers = setting(OPTION_ROUTERS, [SERVER, OTHER_SERVER])
    const s = requesting({ probes: false })
    s.arrives(grant('ack', s.xid, {}, [routers]))
    expect(s.core.lease!.routes).toEqual([
      { prefix: ipv4Prefix('0.0.0.0/0'), gateway: SERVER },
      { prefix: ipv4Prefix('0.0.0.0/0'), gateway: OTHER_SERVER },
    ])
    const routes = [{ prefix: ipv4Prefix('10.9.0.0/16'), gateway: OTHER_SERVER }]
    const t = requesting({ probes: false })
    t.arrives(grant('ack', t.xid, {}, [routers, setting(OPTION_CLASSLESS_ROUTES, routes)]))
    expect(t.core.lease!.routes).toEqual(routes)
  })

  it('has the mask of its class without another', () => {
    for (const [address, length] of [
      ['10.0.0.5', 8],
      ['172.16.0.5', 16],
      ['192.168.0.5', 24],
    ] as const) {
      const s = clientScript({ collectMs: 0, probes: false })
      s.starts()
      const bare = (type: 'offer' | 'ack') =>
        message({ type, xid: s.xid, yiaddr: ipv4(address) }, [
          setting(OPTION_SERVER_ID, SERVER),
          setting(OPTION_LEASE_TIME, 60),
        ])
      s.arrives(bare('offer'))
      s.arrives(bare('ack'))
      expect(s.core.lease!.prefixLength).toBe(length)
    }
  })
})

describe('extending', () => {
  it('asks its server a little before T1, again at half the time to T2, then everybody, then gives up', () => {
    const s = bound()
    const lines = s.passes(3600)
    const [first] = lines
    expect(Number.parseFloat(first!)).toBeLessThanOrEqual(1800)
    expect(Number.parseFloat(first!)).toBeGreaterThan(1743)
    const kinds = lines.map((l) => l.replace(/^[\d.]+: /, ''))
    const renewals = kinds.filter((l) => l === RENEW).length
    const rebinds = kinds.filter((l) => l === REBIND).length
    expect(kinds).toEqual([
      ...Array(renewals).fill(RENEW),
      ...Array(rebinds).fill(REBIND),
      'lost 10.0.0.100 expired',
      DISCOVER_AGAIN,
    ])
    const times = lines.map((l) => Number.parseFloat(l))
    expect(times[renewals]).toBe(3150)
    for (let i = 1; i < renewals; i++)
      expect(times[i]! - times[i - 1]!).toBeCloseTo(Math.max((3150 - times[i - 1]!) / 2, 60), 0)
    expect(times.at(-1)).toBe(3600)
    for (let i = renewals + 1; i < renewals + rebinds; i++)
      expect(times[i]! - times[i - 1]!).toBeCloseTo(Math.max((3600 - times[i - 1]!) / 2, 60), 0)
    expect(renewals).toBeGreaterThan(3)
    expect(rebinds).toBeGreaterThan(2)
  })

  it('does not ask with everybody else at the same moment', () => {
    const firsts = new Set<string>()
    for (let seed = 0; seed < 20; seed++) {
      const s = requesting({ probes: false }, seed)
      s.arrives(grant('ack', s.xid))
      firsts.add(s.passes(1800)[0]!)
    }
    expect(firsts.size).toBeGreaterThan(10)
  })

  it('is bound again by an acknowledgement, counted from the request that it answers', () => {
    const s = bound()
    s.passes(1800)
    s.passes(1000)
    const sentAt = s.core.state.kind === 'renewing' ? s.core.state.sentAt : 0
    s.passes(5)
    expect(s.arrives(grant('ack', s.xid))).toEqual(['renewed 10.0.0.100'])
    expect(s.core.lease!.expiresAt).toBe(sentAt + 3_600_000)
    expect(s.core.state.kind).toBe('bound')
  })

  it('is bound again by any server when it rebinds', () => {
    const s = bound()
    s.passes(3200)
    expect(s.core.state.kind).toBe('rebinding')
    s.arrives(grant('ack', s.xid, {}, [setting(OPTION_SERVER_ID, OTHER_SERVER)]))
    expect(s.core.lease!.server).toBe(OTHER_SERVER)
  })

  it('does not let a server change its address', () => {
    const s = bound()
    s.passes(1800)
    expect(s.arrives(grant('ack', s.xid, { yiaddr: ipv4('10.0.0.101') }))).toEqual([])
    expect(s.ignored).toBe('wrong-address')
  })

  it('halts and begins anew when it is refused', () => {
    for (const after of [1800, 3200]) {
      const s = bound()
      s.passes(after)
      expect(s.arrives(nak(s.xid))).toEqual(['forget', 'lost 10.0.0.100 refused', DISCOVER])
      expect(s.core.lease).toBeUndefined()
    }
  })

  it('asks before T1 when it is told to', () => {
    const s = bound()
    expect(s.does((core, now) => core.renew(now))).toEqual([RENEW])
    expect(s.does((core, now) => core.renew(now))).toEqual([])
    expect(s.arrives(grant('ack', s.xid))).toEqual(['renewed 10.0.0.100'])
  })

  it('survives a sleep over everything', () => {
    const s = bound()
    s.now += 10_000_000
    expect(s.does((core, now) => core.timeout(now))).toEqual(['lost 10.0.0.100 expired', DISCOVER_AGAIN])
  })

  it('wants its address back, and takes the offer of it at once', () => {
    const s = clientScript({ collectMs: 5000 })
    s.starts({ address: ADDRESS, expiresAt: s.now })
    expect(s.arrives(grant('offer', s.xid, { yiaddr: ipv4('10.0.0.101') }))).toEqual([])
    expect(s.arrives(grant('offer', s.xid))).toEqual([REQUEST])
  })
})

describe('starting with an earlier lease', () => {
  it('asks for it, probes it and is bound', () => {
    const s = clientScript()
    expect(s.starts({ address: ADDRESS, expiresAt: s.now + 1000 })).toEqual([REBOOT])
    expect(s.core.state.kind).toBe('rebooting')
    expect(s.arrives(grant('ack', s.xid))).toEqual(['probe 10.0.0.100'])
    expect(s.probed(ADDRESS, true)).toEqual(['acquired 10.0.0.100'])
  })

  it('begins anew at once when it is refused', () => {
    const s = clientScript()
    s.starts({ address: ADDRESS, expiresAt: s.now + 1000 })
    expect(s.arrives(nak(s.xid))).toEqual(['forget', DISCOVER])
  })

  it('begins anew when nobody answers, still wishing for the address', () => {
    const s = clientScript()
    s.starts({ address: ADDRESS, expiresAt: Number.POSITIVE_INFINITY })
    const lines = s.passes(66).map((l) => l.replace(/^[\d.]+: /, ''))
    expect(lines.slice(0, 4)).toEqual([REBOOT, REBOOT, REBOOT, DISCOVER_AGAIN])
  })

  it('only wishes for it when it has expired', () => {
    const s = clientScript()
    expect(s.starts({ address: ADDRESS, expiresAt: s.now })).toEqual([DISCOVER_AGAIN])
  })
})

describe('giving up', () => {
  it('releases', () => {
    const s = bound()
    expect(s.does((core) => core.release())).toEqual([RELEASE, 'forget', 'lost 10.0.0.100 released'])
    expect(s.core.state.kind).toBe('stopped')
    expect(s.passes(10_000)).toEqual([])
    expect(s.starts()[0]).toContain(DISCOVER)
  })

  it('has nothing to release without a lease', () => {
    const s = requesting()
    expect(s.does((core) => core.release())).toEqual([])
    expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('yields to a conflict', () => {
    const s = bound()
    expect(s.does((core, now) => core.conflict(now))).toEqual(['lost 10.0.0.100 conflict', 'forget', DECLINE])
    expect(s.does((core, now) => core.conflict(now))).toEqual([])
    expect(s.passes(10)).toEqual([`10.0: ${DISCOVER}`])
  })

  it('starts once', () => {
    const s = clientScript()
    s.starts()
    expect(s.starts()).toEqual([])
  })
})

it('never throws and stays bounded, whatever arrives whenever', () => {
  const type = fc.constantFrom('offer' as const, 'ack' as const, 'nak' as const)
  const event = fc.oneof(
    fc.record({
      kind: fc.constant('message' as const),
      type,
      right: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 90 }),
    }),
    fc.record({ kind: fc.constant('time' as const), seconds: fc.integer({ min: 0, max: 4000 }) }),
    fc.record({ kind: fc.constant('probed' as const), free: fc.boolean() }),
    fc.record({ kind: fc.constantFrom('renew' as const, 'conflict' as const, 'release' as const, 'start' as const) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.integer(), (events, seed) => {
      const s = clientScript({}, seed)
      s.starts()
      for (const e of events) {
        const before = s.sent.length
        if (e.kind === 'message') {
          const xid = e.right ? s.xid : 7
          s.arrives(e.type === 'nak' ? nak(xid) : grant(e.type, xid, {}, [setting(OPTION_LEASE_TIME, e.seconds)]))
        } else if (e.kind === 'time') s.passes(e.seconds)
        else if (e.kind === 'probed') s.probed(ADDRESS, e.free)
        else if (e.kind === 'release') s.does((core) => core.release())
        else if (e.kind === 'start') s.starts()
        else s.does((core, now) => core[e.kind as 'renew'](now))
        const seconds = e.kind === 'time' ? e.seconds : 0
        expect(s.sent.length - before).toBeLessThanOrEqual(2 + seconds / 3)
        const { lease } = s.core
        if (lease !== undefined) expect(lease.expiresAt).toBeGreaterThan(s.now - 1)
      }
    }),
    { numRuns: 300 },
  )
})
