import { type IpAddress, ipv6, mac } from '@fata/addr'
import { createVirtualRuntime } from '@fata/runtime'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDhcpv6Client } from '../src/index.ts'
import {
  decodeV6,
  encodeV6,
  getV6Option,
  OPTION_V6_CLIENT_ID,
  OPTION_V6_DNS_SERVERS,
  OPTION_V6_DOMAIN_SEARCH,
  OPTION_V6_ELAPSED_TIME,
  OPTION_V6_INF_MAX_RT,
  OPTION_V6_PREFERENCE,
  OPTION_V6_RAPID_COMMIT,
  OPTION_V6_REFRESH_TIME,
  OPTION_V6_REQUEST,
  OPTION_V6_SOL_MAX_RT,
  OPTION_V6_STATUS,
  type V6Message,
  v6Option,
} from '../src/wire.ts'
import { createExchange } from './support/exchange.ts'
import {
  ADDRESS,
  answer,
  association,
  DUID,
  IAID,
  OTHER,
  SERVER,
  type V6Script,
  v6Script,
} from './support/v6-script.ts'

const SOLICIT = 'solicit rapid'
const REQUEST = 'request fd00::100 to aa'
const RENEW = 'renew fd00::100 to aa'
const REBIND = 'rebind fd00::100'
const ACQUIRED = 'acquired fd00::100'
const LOST = 'lost fd00::100'

const bare = (lines: string[]): string[] => lines.map((l) => l.replace(/^[\d.]+: /, ''))
const preference = (n: number) => v6Option(OPTION_V6_PREFERENCE, n)
const status = (code: number) => v6Option(OPTION_V6_STATUS, { code, message: '' })

function soliciting(settings = {}, seed = 1): V6Script {
  const s = v6Script(settings, seed)
  expect(s.does((core, now) => core.start(now))).toEqual([settings === NO_RAPID ? 'solicit' : SOLICIT])
  return s
}
const NO_RAPID = { rapidCommit: false }

function requesting(): V6Script {
  const s = soliciting()
  expect(s.arrives(answer('advertise', s.xid, [association(), preference(255)]))).toEqual([REQUEST])
  return s
}

function bound(): V6Script {
  const s = requesting()
  expect(s.arrives(answer('reply', s.xid))).toEqual([ACQUIRED])
  return s
}

describe('soliciting', () => {
  it('collects for the first timeout and requests of the best', () => {
    const s = soliciting()
    const [solicit] = s.sent
    expect(getV6Option(solicit!.options, OPTION_V6_REQUEST)).toEqual([23, 24, 82])
    expect(getV6Option(solicit!.options, OPTION_V6_CLIENT_ID)).toEqual(DUID)
    expect(s.arrives(answer('advertise', s.xid, [association(), preference(1)], OTHER))).toEqual([])
    expect(s.arrives(answer('advertise', s.xid, [association(), preference(7)]))).toEqual([])
    expect(s.arrives(answer('advertise', s.xid, [association()], OTHER))).toEqual([])
    s.arrives(answer('advertise', s.xid))
    expect(s.ignored).toBe('too-many-offers')
    const lines = s.passes(2)
    expect(bare(lines)[0]).toBe(REQUEST)
    expect(Number.parseFloat(lines[0]!)).toBeGreaterThan(0.99)
    expect(Number.parseFloat(lines[0]!)).toBeLessThan(1.11)
  })

  it('takes more addresses before fewer, the first of the same, and at once what is preferred most', () => {
    const s = soliciting()
    const two = association({
      addresses: [
        ['fd00::100', 3600, 7200],
        ['fd00::101', 3600, 7200],
      ],
    })
    s.arrives(answer('advertise', s.xid, [association()], OTHER))
    s.arrives(answer('advertise', s.xid, [two]))
    expect(bare(s.passes(1.1))).toEqual(['request fd00::100 fd00::101 to aa'])
    const t = soliciting()
    t.arrives(answer('advertise', t.xid))
    expect(t.arrives(answer('advertise', t.xid, [association(), preference(255)], OTHER))).toEqual([
      'request fd00::100 to bb',
    ])
  })

  it('takes the first advertisement after the first timeout', () => {
    const s = soliciting()
    expect(bare(s.passes(1.2))).toEqual([SOLICIT])
    expect(getV6Option(s.sent[1]!.options, OPTION_V6_ELAPSED_TIME)).toBeGreaterThanOrEqual(100)
    expect(s.sent[1]!.xid).toBe(s.sent[0]!.xid)
    expect(s.arrives(answer('advertise', s.xid))).toEqual([REQUEST])
  })

  it('doubles its timeouts up to SOL_MAX_RT, each a tenth more or less, the first one more', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const s = soliciting({}, seed)
        const times = [0, ...s.passes(30_000).map((l) => Number.parseFloat(l))]
        const gaps = times.slice(1).map((t, i) => t - times[i]!)
        expect(gaps[0]).toBeGreaterThanOrEqual(1)
        expect(gaps[0]).toBeLessThanOrEqual(1.11)
        // The lines have tenths of seconds.
        for (let i = 5; i < 11; i++) {
          expect(gaps[i]! / gaps[i - 1]!).toBeGreaterThan(1.85)
          expect(gaps[i]! / gaps[i - 1]!).toBeLessThan(2.15)
        }
        for (const gap of gaps.slice(13)) expect(Math.abs(gap - 3600)).toBeLessThanOrEqual(360.2)
        expect(gaps.length).toBeGreaterThan(15)
      }),
      { numRuns: 20 },
    )
  })

  it('obeys SOL_MAX_RT, also of who has no address, within limits', () => {
    const none = association({ addresses: [], status: 2 })
    for (const [seconds, most] of [
      [60, 66],
      [59, 1500],
      [86_401, 1500],
    ] as const) {
      const s = soliciting()
      s.arrives(answer('advertise', s.xid, [none, v6Option(OPTION_V6_SOL_MAX_RT, seconds)]))
      expect(s.ignored).toBe('no-address')
      const times = s.passes(2000).map((l) => Number.parseFloat(l))
      const longest = Math.max(...times.map((t, i) => t - (times[i - 1] ?? 0)))
      expect(longest).toBeLessThan(most)
      if (seconds !== 60) expect(longest).toBeGreaterThan(400)
    }
  })

  it('waits at random before it begins', () => {
    const s = v6Script({ startDelayMs: 1000 })
    expect(s.does((core, now) => core.start(now))).toEqual([])
    expect(s.core.state.kind).toBe('waiting')
    expect(bare(s.passes(1))).toEqual([SOLICIT])
    expect(s.does((core, now) => core.start(now))).toEqual([])
  })

  it('is bound at once by a rapid commit that it asked for', () => {
    const rapid = v6Option(OPTION_V6_RAPID_COMMIT, true)
    const s = soliciting()
    expect(s.arrives(answer('reply', s.xid))).toEqual([])
    expect(s.ignored).toBe('unexpected')
    expect(s.arrives(answer('reply', s.xid, [association(), rapid]))).toEqual([ACQUIRED])
    const t = soliciting(NO_RAPID)
    expect(t.arrives(answer('reply', t.xid, [association(), rapid]))).toEqual([])
  })

  it.each([
    ['wrong-xid', (xid: number) => answer('advertise', xid ^ 1)],
    ['not-for-us', (xid: number) => answer('advertise', xid, [association()], SERVER, OTHER)],
    ['no-address', (xid: number) => answer('advertise', xid, [])],
    ['no-address', (xid: number) => answer('advertise', xid, [association({ iaid: IAID + 1 })])],
    ['no-address', (xid: number) => answer('advertise', xid, [association({ addresses: [['fd00::1', 10, 9]] })])],
    ['no-address', (xid: number) => answer('advertise', xid, [association({ addresses: [['fd00::1', 0, 0]] })])],
    ...['ff02::1', '::', '::1', 'fe80::1'].map(
      (a) =>
        [
          'no-address',
          (xid: number) => answer('advertise', xid, [association({ addresses: [[a, 100, 100]] })]),
        ] as const,
    ),
    ['bad-times', (xid: number) => answer('advertise', xid, [association({ t1: 200, t2: 100 })])],
    ['short-lease', (xid: number) => answer('advertise', xid, [association({ addresses: [['fd00::1', 5, 5]] })])],
    ['unexpected', (xid: number): V6Message => ({ ...answer('advertise', xid), type: 'reconfigure' })],
  ] as const)('ignores %s', (reason, make) => {
    const s = soliciting()
    expect(s.arrives(make(s.xid))).toEqual([])
    expect(s.ignored).toBe(reason)
  })

  it('ignores who does not say who it is', () => {
    const s = soliciting()
    const m = answer('advertise', s.xid)
    s.arrives({ ...m, options: m.options.filter(({ code }) => code !== 2) })
    expect(s.ignored).toBe('no-server-id')
    s.arrives({ ...m, options: m.options.filter(({ code }) => code !== 1) })
    expect(s.ignored).toBe('not-for-us')
  })
})

describe('requesting', () => {
  it('ten times, then begins anew', () => {
    const s = requesting()
    const lines = bare(s.passes(300))
    expect(lines.slice(0, 10)).toEqual([...Array(9).fill(REQUEST), SOLICIT])
  })

  it.each([
    ['no address is left', [association({ addresses: [], status: 2 })]],
    ['it is on another link', [status(4)]],
  ])('begins anew, and not at once, where %s', (_name, options) => {
    const s = requesting()
    expect(s.arrives(answer('reply', s.xid, options))).toEqual([])
    const lines = s.passes(11)
    expect(bare(lines)[0]).toBe(SOLICIT)
    expect(Number.parseFloat(lines[0]!)).toBeGreaterThanOrEqual(10)
  })

  it('asks again where the server failed, and believes nobody else', () => {
    const s = requesting()
    s.arrives(answer('reply', s.xid, [status(1)]))
    expect(s.ignored).toBe('unspec-fail')
    s.arrives(answer('reply', s.xid, [association()], OTHER))
    expect(s.ignored).toBe('wrong-server')
    s.arrives(answer('advertise', s.xid))
    expect(s.ignored).toBe('unexpected')
    expect(bare(s.passes(1.2))).toEqual([REQUEST])
  })
})

describe('the lease', () => {
  it('has lifetimes, T1 and T2 from when the reply came', () => {
    const s = requesting()
    s.passes(0.5)
    s.arrives(
      answer('reply', s.xid, [
        association(),
        v6Option(OPTION_V6_DNS_SERVERS, [ipv6('fd00::53')]),
        v6Option(OPTION_V6_DOMAIN_SEARCH, ['a.test']),
      ]),
    )
    expect(s.core.lease).toMatchObject({
      server: SERVER,
      addresses: [{ address: ADDRESS, preferredUntil: s.now + 3_600_000, validUntil: s.now + 7_200_000 }],
      renewAt: s.now + 1_800_000,
      rebindAt: s.now + 2_880_000,
      expiresAt: s.now + 7_200_000,
      dnsServers: [ipv6('fd00::53')],
      domainSearch: ['a.test'],
    })
  })

  it.each([
    ['the client may choose', { t1: 0, t2: 0 }, [1800, 2880]],
    ['T1 is a storm', { t1: 1, t2: 2000 }, [60, 2000]],
    ['T2 is behind the end', { t1: 8000, t2: 9000 }, [7200, 7200]],
    ['nothing is preferred', { t1: 0, t2: 0, addresses: [['fd00::100', 0, 1000]] }, [500, 800]],
    [
      'nothing ends',
      { t1: 0, t2: 0, addresses: [['fd00::100', Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]] },
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    ],
  ] as const)('has other times where %s', (_name, given, [renew, rebind]) => {
    const s = requesting()
    s.arrives(answer('reply', s.xid, [association(given)]))
    expect([s.core.lease!.renewAt, s.core.lease!.rebindAt]).toEqual([s.now + renew * 1000, s.now + rebind * 1000])
  })

  it('has sixteen addresses at most, so that every message fits', () => {
    const many = Array.from({ length: 400 }, (_, i) => [`fd00::${(i + 1).toString(16)}`, 3600, 7200] as const)
    const s = requesting()
    s.arrives(answer('reply', s.xid, [association({ addresses: many })]))
    expect(s.core.lease!.addresses).toHaveLength(16)
  })

  it('is renewed at T1, rebound at T2, and over with the last valid lifetime', () => {
    const s = bound()
    const lines = s.passes(7210)
    const renewals = lines.filter((l) => l.endsWith(RENEW))
    const rebinds = lines.filter((l) => l.endsWith(REBIND))
    expect(renewals[0]).toBe(`1800.0: ${RENEW}`)
    expect(renewals.length).toBeGreaterThan(5)
    expect(rebinds[0]).toBe(`2880.0: ${REBIND}`)
    expect(rebinds.length).toBeGreaterThan(10)
    const end = lines.indexOf(`7200.0: ${LOST} expired`)
    expect(end).toBe(renewals.length + rebinds.length)
    expect(bare(lines)[end + 1]).toBe(SOLICIT)
  })

  it('goes on by a reply to a renewal of its server, or to a rebinding of any', () => {
    const s = bound()
    s.passes(1800)
    s.arrives(answer('reply', s.xid, [association()], OTHER))
    expect(s.ignored).toBe('wrong-server')
    expect(s.arrives(answer('reply', s.xid))).toEqual(['renewed fd00::100'])
    expect(s.core.lease!.expiresAt).toBe(s.now + 7_200_000)
    s.passes(2900)
    expect(s.arrives(answer('reply', s.xid, [association()], OTHER))).toEqual(['renewed fd00::100'])
    expect(s.core.lease!.server).toEqual(OTHER)
  })

  it('gets, keeps and loses single addresses as the server says', () => {
    const s = bound()
    s.does((core, now) => core.renew(now))
    expect(s.arrives(answer('reply', s.xid, [association({ addresses: [['fd00::200', 3600, 7200]] })]))).toEqual([
      'renewed fd00::200 fd00::100',
    ])
    s.does((core, now) => core.renew(now))
    expect(s.arrives(answer('reply', s.xid, [association({ addresses: [['fd00::100', 0, 0]] })]))).toEqual([
      'renewed fd00::200',
    ])
    s.does((core, now) => core.renew(now))
    expect(s.arrives(answer('reply', s.xid, [association({ addresses: [['fd00::200', 0, 0]] })]))).toEqual([
      'lost fd00::200 refused',
    ])
    expect(bare(s.passes(1))).toEqual([SOLICIT])
  })

  it('is requested again from who has no record of it, and used meanwhile', () => {
    const s = bound()
    s.passes(1800)
    expect(s.arrives(answer('reply', s.xid, [association({ addresses: [], status: 3 })]))).toEqual([REQUEST])
    expect(s.core.lease!.addresses).toHaveLength(1)
    expect(s.arrives(answer('reply', s.xid))).toEqual(['renewed fd00::100'])
    s.does((core, now) => core.renew(now))
    s.arrives(answer('reply', s.xid, [association({ addresses: [], status: 3 })]))
    expect(s.arrives(answer('reply', s.xid, [association({ addresses: [], status: 2 })]))).toEqual([`${LOST} refused`])
    s.passes(20)
    const t = bound()
    t.does((core, now) => core.renew(now))
    t.arrives(answer('reply', t.xid, [association({ addresses: [], status: 3 })]))
    expect(bare(t.passes(250)).slice(8, 11)).toEqual([REQUEST, `${LOST} refused`, SOLICIT])
  })

  it('is not touched by a reply without it', () => {
    const s = bound()
    s.does((core, now) => core.renew(now))
    s.arrives(answer('reply', s.xid, []))
    expect(s.ignored).toBe('no-address')
    expect(s.core.state.kind).toBe('renewing')
  })
})

describe('giving up', () => {
  it('releases until it is answered', () => {
    const s = bound()
    expect(s.does((core, now) => core.release(now))).toEqual([`${LOST} released`, 'release fd00::100 to aa'])
    expect(getV6Option(s.sent.at(-1)!.options, OPTION_V6_REQUEST)).toBeUndefined()
    expect(bare(s.passes(1.2))).toEqual(['release fd00::100 to aa'])
    expect(s.arrives(answer('reply', s.xid, [status(3)]))).toEqual(['left'])
    expect(s.passes(100_000)).toEqual([])
  })

  it('releases four times where nobody answers', () => {
    const s = bound()
    s.does((core, now) => core.release(now))
    expect(bare(s.passes(20))).toEqual([...Array(3).fill('release fd00::100 to aa'), 'left'])
    expect(s.core.leaving).toBe(false)
    expect(s.does((core, now) => core.release(now))).toEqual([])
  })

  it('declines an address in use and begins anew after ten seconds', () => {
    const s = bound()
    expect(s.does((core, now) => core.conflict(now, ADDRESS))).toEqual([`${LOST} conflict`, 'decline fd00::100 to aa'])
    expect(s.arrives(answer('reply', s.xid, []))).toEqual(['left'])
    expect(s.passes(9.9)).toEqual([])
    expect(bare(s.passes(1.2))).toEqual([SOLICIT])
    expect(s.does((core, now) => core.conflict(now, ADDRESS))).toEqual([])
  })

  it('declines one of several and keeps the others', () => {
    const s = requesting()
    s.arrives(
      answer('reply', s.xid, [
        association({
          addresses: [
            ['fd00::100', 3600, 7200],
            ['fd00::101', 3600, 3600],
          ],
        }),
      ]),
    )
    expect(s.does((core, now) => core.conflict(now, ADDRESS))).toEqual(['renewed fd00::101', 'decline fd00::100 to aa'])
    expect(s.core.lease!.expiresAt).toBe(s.now + 3_600_000)
    expect(bare(s.passes(30))).toEqual([...Array(3).fill('decline fd00::100 to aa'), 'left'])
    expect(s.core.state.kind).toBe('bound')
  })
})

it('never throws and stays bounded, whatever arrives whenever', () => {
  const given = fc.record({
    addresses: fc.array(fc.tuple(fc.constantFrom('fd00::100', 'fd00::101'), fc.nat(100), fc.nat(100)), {
      maxLength: 3,
    }),
    t1: fc.nat(100),
    t2: fc.nat(100),
    status: fc.constantFrom(undefined, undefined, 0, 2, 3),
  })
  const event = fc.oneof(
    fc.record({
      kind: fc.constantFrom('advertise' as const, 'reply' as const),
      given,
      server: fc.constantFrom(SERVER, OTHER),
      rapid: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('time' as const), seconds: fc.nat(200) }),
    fc.record({ kind: fc.constantFrom('renew' as const, 'conflict' as const, 'release' as const, 'start' as const) }),
  )
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), fc.integer(), (events, seed) => {
      const s = soliciting({}, seed)
      for (const e of events) {
        const before = s.sent.length
        if (e.kind === 'time') s.passes(e.seconds)
        else if (e.kind === 'advertise' || e.kind === 'reply') {
          const rapid = e.rapid ? [v6Option(OPTION_V6_RAPID_COMMIT, true)] : []
          s.arrives(answer(e.kind, s.xid, [association(e.given), ...rapid], e.server))
        } else if (e.kind === 'conflict') s.does((core, now) => core.conflict(now, ADDRESS))
        else s.does((core, now) => core[e.kind as 'renew'](now))
        const seconds = e.kind === 'time' ? e.seconds : 0
        expect(s.sent.length - before).toBeLessThanOrEqual(3 + seconds / 0.8)
        for (const m of s.sent.slice(before)) expect(encodeV6(new Uint8Array(1232), 0, 1232, m)).toBeDefined()
        const { lease } = s.core
        if (lease !== undefined) expect(lease.addresses.length).toBeGreaterThan(0)
      }
    }),
    { numRuns: 300 },
  )
})

describe('a DHCPv6 client on a link', () => {
  const CLIENT: IpAddress = ipv6('fe80::1')
  const ROUTER: IpAddress = ipv6('fe80::2')

  /** A client, and a server that says what `serve` says, on a link that loses some. */
  function link(serve: (m: V6Message) => V6Message | undefined, loss = 0) {
    const runtime = createVirtualRuntime(9)
    const exchange = createExchange(runtime)
    exchange.loss = loss
    const server = exchange.socket(547, [ROUTER])
    server.onMessage = (buf, off, end, { src }) => {
      const m = decodeV6(buf, off, end)
      const reply = typeof m === 'string' ? undefined : serve(m)
      if (reply === undefined) return
      const b = new Uint8Array(1232)
      server.send(b.subarray(0, encodeV6(b, 0, b.length, reply)), src)
    }
    const client = createDhcpv6Client(
      { socket: exchange.socket(546, [CLIENT]), ...runtime, mac: mac('02:00:00:00:00:01') },
      { iaid: IAID },
    )
    const events: string[] = []
    client.onLease(({ kind }) => events.push(kind))
    return { ...runtime, exchange, client, events, server }
  }
  const serve = (m: V6Message): V6Message =>
    m.type === 'information-request'
      ? answer('reply', m.xid, [
          v6Option(OPTION_V6_DNS_SERVERS, [ipv6('fd00::53')]),
          v6Option(OPTION_V6_REFRESH_TIME, 1000),
        ])
      : answer(m.type === 'solicit' ? 'advertise' : 'reply', m.xid)

  it('gets a lease, keeps it for days, and gives it back, over a link that loses a third', async () => {
    const { client, clock, events } = link(serve, 0.33)
    const lease = await clock.settle(client.start())
    expect(client.lease).toBe(lease)
    expect(client.state).toBe('bound')
    expect(await client.start()).toBe(lease)
    clock.advance(48 * 3_600_000)
    expect(client.lease).toBeDefined()
    expect(events.filter((kind) => kind === 'renewed').length).toBeGreaterThan(80)
    expect(events).not.toContain('lost')
    await clock.settle(client.release())
    expect(events.at(-1)).toBe('lost')
    expect(client.state).toBe('stopped')
  })

  it('asks for configuration alone, until it is answered', async () => {
    const { client, clock, exchange } = link(serve)
    exchange.loss = 1
    const asked = client.inform()
    await expect(client.inform()).rejects.toMatchObject({ code: 'ERR_DHCP_BUSY' })
    clock.advance(100_000)
    expect(exchange.sent.length).toBeGreaterThan(5)
    exchange.loss = 0
    const information = await clock.settle(asked)
    expect(information).toMatchObject({
      dnsServers: [ipv6('fd00::53')],
      refreshAt: expect.closeTo(clock.now() + 1_000_000, -2),
    })
    const m = decodeV6(exchange.sent[0]!.data, 0, exchange.sent[0]!.data.length) as V6Message
    expect(getV6Option(m.options, OPTION_V6_REQUEST)).toEqual([23, 24, 32, 83])
    const aborted = new AbortController()
    const given = client.inform({ signal: aborted.signal })
    aborted.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
  })

  it('obeys INF_MAX_RT', async () => {
    const { client, clock, exchange } = link((m) => answer('reply', m.xid, [v6Option(OPTION_V6_INF_MAX_RT, 60)]))
    expect((await clock.settle(client.inform())).refreshAt).toBeGreaterThan(86_000_000)
    exchange.loss = 1
    exchange.sent.length = 0
    void client.inform().catch(() => {})
    clock.advance(1_000_000)
    expect(exchange.sent.length).toBeGreaterThan(18)
    await client.close()
  })

  it('tells those who wait how it ended, and counts what it does not understand', async () => {
    const { client, clock, exchange, server } = link(() => undefined)
    const waiting = client.start()
    server.send(new Uint8Array(3), { address: ipv6('ff02::1'), port: 546 })
    exchange.down = true
    clock.advance(5000)
    expect(client.stats.dropped).toEqual({ 'too-short': 1 })
    expect(client.stats.unsent['send-failed']).toBeGreaterThan(1)
    await client.release()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_DHCP_RELEASED' })
    await client.close()
    await client.close()
    await expect(client.start()).rejects.toMatchObject({ code: 'ERR_DHCP_CLOSED' })
    await expect(client.inform()).rejects.toMatchObject({ code: 'ERR_DHCP_CLOSED' })
    clock.advance(5)
    expect(clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it.each([{ duid: new Uint8Array(2) }, { iaid: -1 }, { request: [0] }, { maxOffers: 0 }])(
    'refuses nonsense: %o',
    (options) => {
      const { exchange, clock, random } = link(() => undefined)
      const socket = exchange.socket(546, [])
      expect(() => createDhcpv6Client({ socket, clock, random, mac: mac('02:00:00:00:00:01') }, options)).toThrow(
        RangeError,
      )
    },
  )
})
