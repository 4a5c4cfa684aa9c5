import { formatIpv4, type Ipv4, ipv4, ipv4Prefix, prefixContains } from '@fata/addr'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AddressPool } from '../src/core/pool.ts'
import { coreSettings, type DhcpServerOptions, serverSettings } from '../src/server-options.ts'
import {
  clientIdFromMac,
  getOption,
  OPTION_CLIENT_ID,
  OPTION_DNS_SERVERS,
  OPTION_DOMAIN_NAME,
  OPTION_HOST_NAME,
  OPTION_LEASE_TIME,
  OPTION_MESSAGE,
  OPTION_PARAMETERS,
  OPTION_REBINDING_TIME,
  OPTION_RELAY_AGENT,
  OPTION_RENEWAL_TIME,
  OPTION_REQUESTED_ADDRESS,
  OPTION_ROUTERS,
  OPTION_SERVER_ID,
  OPTION_SUBNET_MASK,
} from '../src/wire.ts'
import { message, OTHER_SERVER, SERVER, setting } from './support/messages.ts'
import { OPTIONS, type ServerScript, serverScript, station } from './support/server-script.ts'

const SUBNET = OPTIONS.subnets[0]!

function withSubnet(
  subnet: Partial<DhcpServerOptions['subnets'][0]>,
  more: Partial<DhcpServerOptions> = {},
): ServerScript {
  return serverScript({ subnets: [{ ...SUBNET, ...subnet }], ...more })
}

describe('DHCPDISCOVER', () => {
  it('is answered with an offer, by unicast to hardware that does not answer ARP yet', () => {
    const s = serverScript()
    expect(s.discover(1)).toMatch(/^offer 10\.0\.0\.10[0-3] 3600 s to hardware 10\.0\.0\.10[0-3]$/)
    expect(s.outcome.reply!.to).toMatchObject({ mac: station(1) })
    const { message: m } = s.outcome.reply!
    expect(getOption(m.options, OPTION_SERVER_ID)).toBe(SERVER)
    expect(getOption(m.options, OPTION_RENEWAL_TIME)).toBe(1800)
    expect(getOption(m.options, OPTION_REBINDING_TIME)).toBe(3150)
    expect(getOption(m.options, OPTION_SUBNET_MASK)).toBe(ipv4('255.255.255.0'))
    expect(getOption(m.options, OPTION_ROUTERS)).toEqual([SERVER])
    expect(s.outcome.binding).toBeUndefined()
  })

  it.each([
    ['broadcast, as the client asks', { broadcast: true }, 'to broadcast 255.255.255.255'],
    ['to the address that the client has', { ciaddr: ipv4('10.0.0.9') }, 'to client 10.0.0.9'],
    ['to the relay agent', { giaddr: ipv4('10.0.0.254'), broadcast: true }, 'to relay 10.0.0.254'],
  ])('is answered %s', (_name, fields, to) => {
    expect(serverScript().discover(1, [], fields)).toContain(to)
  })

  it('gets what the client asks for, in its order, and the mask', () => {
    const s = serverScript()
    s.discover(1, [setting(OPTION_PARAMETERS, [15, 6, 99])])
    const codes = [...s.outcome.reply!.message.options.keys()]
    expect(codes).toEqual([54, 51, 58, 59, 15, 6, 1])
    expect(s.outcome.reply!.essential).toBe(4)
  })

  it('echoes what must be: client identifier, relay agent information, flags, transaction', () => {
    const s = serverScript()
    const id = clientIdFromMac(station(9))
    const agent = Uint8Array.of(1, 2, 3, 4)
    s.discover(1, [setting(OPTION_CLIENT_ID, id), setting(OPTION_RELAY_AGENT, agent)], {
      xid: 77,
      broadcast: true,
      giaddr: ipv4('10.0.0.254'),
    })
    const { message: m } = s.outcome.reply!
    expect(m).toMatchObject({
      xid: 77,
      broadcast: true,
      giaddr: ipv4('10.0.0.254'),
      chaddr: station(1),
      secs: 0,
      ciaddr: 0,
    })
    expect(getOption(m.options, OPTION_CLIENT_ID)).toEqual(id)
    expect(getOption(m.options, OPTION_RELAY_AGENT)).toEqual(agent)
  })

  it('prefers the address in use, then the one before, then the wish', () => {
    const s = serverScript()
    const wish = (a: string) => [setting(OPTION_REQUESTED_ADDRESS, ipv4(a))]
    expect(s.discover(1, wish('10.0.0.102'))).toContain('offer 10.0.0.102')
    s.request(1, '10.0.0.102')
    expect(s.discover(1, wish('10.0.0.101'))).toContain('offer 10.0.0.102')
    s.passes(4000)
    expect(s.discover(1, wish('10.0.0.101'))).toContain('offer 10.0.0.102')
    expect(s.discover(2, wish('10.0.0.102'))).not.toContain('offer 10.0.0.102')
    for (const bad of ['10.0.0.1', '10.0.0.0', '10.0.0.255', '10.0.0.99', '10.1.0.100'])
      expect(s.discover(3, wish(bad))).toMatch(/offer 10\.0\.0\.10[0-3]/)
  })

  it('holds an offer for a minute, then gives it to somebody else', () => {
    const s = withSubnet({ ranges: [{ first: ipv4('10.0.0.100'), last: ipv4('10.0.0.100') }] })
    expect(s.discover(1)).toContain('offer 10.0.0.100')
    expect(s.discover(1)).toContain('offer 10.0.0.100')
    s.passes(59)
    expect(s.discover(2)).toBe('ignored: no-address')
    s.passes(1)
    expect(s.discover(2)).toContain('offer 10.0.0.100')
    expect(s.discover(1)).toBe('ignored: no-address')
  })

  it.each([
    [undefined, 3600],
    [600, 600],
    [1, 120],
    [1_000_000, 86_400],
    [Number.POSITIVE_INFINITY, 86_400],
  ])('is offered a lease time within the limits: %s gives %s', (asked, got) => {
    expect(serverScript().discover(1, [setting(OPTION_LEASE_TIME, asked)])).toContain(` ${got} s `)
  })

  it('may be offered an address for ever', () => {
    const s = withSubnet({ leaseSeconds: Number.POSITIVE_INFINITY })
    expect(s.discover(1)).toContain(' Infinity s ')
    expect(getOption(s.outcome.reply!.message.options, OPTION_RENEWAL_TIME)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('DHCPREQUEST', () => {
  it('in SELECTING is acknowledged and bound', () => {
    const s = serverScript()
    s.discover(1, [setting(OPTION_REQUESTED_ADDRESS, ipv4('10.0.0.102'))])
    expect(s.request(1, '10.0.0.102', [setting(OPTION_HOST_NAME, 'alice')])).toBe(
      'bound 10.0.0.102, ack 10.0.0.102 3600 s to hardware 10.0.0.102',
    )
    expect(s.outcome.binding).toMatchObject({ mac: station(1), hostName: 'alice', expiresAt: s.now + 3_600_000 })
    expect([...s.core.bindings()]).toEqual([s.outcome.binding])
  })

  it('in SELECTING is refused where the address is not to be had', () => {
    const s = serverScript()
    const got = s.acquires(1)
    expect(s.request(2, got)).toBe('nak to broadcast 255.255.255.255')
    expect(getOption(s.outcome.reply!.message.options, OPTION_MESSAGE)).toBe('the address is not available')
    expect([...s.outcome.reply!.message.options.keys()]).toEqual([54, 56])
    expect(s.request(2, '10.0.0.50')).toContain('nak')
    expect(s.request(2, got, [], { giaddr: ipv4('10.0.0.254') })).toBe('nak to relay 10.0.0.254')
    expect(s.outcome.reply!.message.broadcast).toBe(true)
  })

  it('for another server frees the offer', () => {
    const s = withSubnet({ ranges: [{ first: ipv4('10.0.0.100'), last: ipv4('10.0.0.100') }] })
    s.discover(1)
    expect(s.request(1, '10.0.0.50', [setting(OPTION_SERVER_ID, OTHER_SERVER)])).toBe('ignored: other-server')
    expect(s.discover(2)).toContain('offer 10.0.0.100')
  })

  it('for another server leaves a lease alone', () => {
    const s = serverScript()
    const got = s.acquires(1)
    s.request(1, got, [setting(OPTION_SERVER_ID, OTHER_SERVER)])
    expect([...s.core.bindings()]).toMatchObject([{ state: 'bound', address: ipv4(got) }])
  })

  it('in INIT-REBOOT is acknowledged, refused, or left to other servers', () => {
    const s = serverScript()
    const got = s.acquires(1)
    expect(s.reboot(1, got)).toContain(`bound ${got}, ack ${got}`)
    const other = got === '10.0.0.100' ? '10.0.0.101' : '10.0.0.100'
    expect(s.reboot(1, other)).toBe('nak to broadcast 255.255.255.255')
    expect(s.reboot(2, got)).toBe('ignored: unknown-client')
    expect(s.reboot(2, '192.168.0.5')).toBe('nak to broadcast 255.255.255.255')
    s.passes(4000)
    expect(s.reboot(1, got)).toContain(`ack ${got}`)
  })

  it('in RENEWING and REBINDING is acknowledged to the client, refused, or left to other servers', () => {
    const s = serverScript()
    const got = s.acquires(1)
    s.passes(1800)
    expect(s.renew(1, got)).toBe(`bound ${got}, ack ${got} 3600 s to client ${got}`)
    expect(s.outcome.binding!.expiresAt).toBe(s.now + 3_600_000)
    expect(s.outcome.reply!.message.ciaddr).toBe(ipv4(got))
    expect(s.renew(2, got)).toBe('ignored: unknown-client')
    s.acquires(2)
    expect(s.renew(2, got)).toBe('nak to broadcast 255.255.255.255')
    expect(s.renew(3, '172.16.0.1')).toBe('nak to broadcast 255.255.255.255')
  })

  it('of who let the lease expire is refused once somebody else has the address', () => {
    const s = withSubnet({ ranges: [{ first: ipv4('10.0.0.100'), last: ipv4('10.0.0.100') }] })
    s.acquires(1)
    s.passes(3601)
    expect(s.acquires(2)).toBe('10.0.0.100')
    expect(s.renew(1, '10.0.0.100')).toBe('ignored: unknown-client')
    const t = serverScript({
      authoritative: true,
      subnets: [{ ...SUBNET, ranges: [{ first: ipv4('10.0.0.100'), last: ipv4('10.0.0.100') }] }],
    })
    t.acquires(2)
    expect(t.renew(1, '10.0.0.100')).toContain('nak')
  })

  it('of unknown clients is served where nobody else may', () => {
    const s = serverScript({ authoritative: true })
    expect(s.reboot(1, '10.0.0.102')).toContain('ack 10.0.0.102')
    expect(s.renew(2, '10.0.0.103')).toContain('ack 10.0.0.103')
    expect(s.renew(3, '10.0.0.103')).toContain('nak')
    expect(s.reboot(3, '10.0.0.5')).toContain('nak')
  })

  it('without what it needs is ignored', () => {
    const s = serverScript()
    expect(s.arrives(message({ type: 'request' }))).toBe('ignored: bad-request')
    expect(s.arrives(message({ type: 'request' }, [setting(OPTION_SERVER_ID, SERVER)]))).toBe('ignored: bad-request')
    expect(s.request(1, '10.0.0.100', [], { ciaddr: ipv4('10.0.0.100') })).toBe('ignored: bad-request')
  })
})

describe('the other messages', () => {
  it('DHCPDECLINE puts an address aside, and only its client can', () => {
    const s = serverScript()
    const got = s.acquires(1)
    expect(s.decline(2, got)).toBe('ignored: unknown-client')
    expect(s.decline(1, got)).toBe(`declined ${got}`)
    expect(s.decline(1, got)).toBe('ignored: unknown-client')
    expect(s.acquires(1)).not.toBe(got)
    expect(s.reboot(3, got)).toBe('ignored: unknown-client')
    expect(s.request(3, got)).toContain('nak')
    s.passes(3600)
    expect(s.request(3, got)).toContain('ack')
  })

  it('DHCPRELEASE frees an address, which the client gets again if it can', () => {
    const s = serverScript()
    const got = s.acquires(1)
    expect(s.release(2, got)).toBe('ignored: unknown-client')
    expect(s.release(1, got)).toBe(`released ${got}`)
    expect(s.acquires(1)).toBe(got)
    s.release(1, got)
    const others = new Set([2, 3, 4].map((n) => s.acquires(n)))
    expect(others.size).toBe(3)
    expect(others).not.toContain(got)
    expect(s.acquires(5)).toBe(got)
    expect(s.acquires(1)).toBe('ignored: no-address')
  })

  it('of another server, or about nothing, are ignored', () => {
    const s = serverScript()
    const got = ipv4(s.acquires(1))
    const from = (type: 'release' | 'decline', options = [setting(OPTION_SERVER_ID, OTHER_SERVER)]) =>
      message({ type, chaddr: station(1), ciaddr: got }, [setting(OPTION_REQUESTED_ADDRESS, got), ...options])
    expect(s.arrives(from('release'))).toBe('ignored: other-server')
    expect(s.arrives(from('decline'))).toBe('ignored: other-server')
    expect(s.arrives(from('release', []))).toBe('ignored: other-server')
    expect(s.release(1, '0.0.0.0')).toBe('ignored: bad-request')
    expect(s.arrives(message({ type: 'offer' }))).toBe('ignored: unexpected')
  })

  it('DHCPINFORM is answered without address and lease', () => {
    const s = serverScript()
    const inform = message({ type: 'inform', ciaddr: ipv4('10.0.0.9') })
    expect(s.arrives(inform)).toBe('ack to client 10.0.0.9')
    const { options } = s.outcome.reply!.message
    expect(getOption(options, OPTION_DNS_SERVERS)).toEqual([ipv4('9.9.9.9')])
    expect(getOption(options, OPTION_DOMAIN_NAME)).toBe('example.test')
    expect(getOption(options, OPTION_RENEWAL_TIME)).toBeUndefined()
    expect(s.arrives({ ...inform, ciaddr: ipv4('0.0.0.0') })).toBe('ignored: bad-request')
    // Nobody has answers sent to where no client is.
    expect(s.arrives({ ...inform, ciaddr: ipv4('192.0.2.1') })).toBe('ignored: no-subnet')
    expect(s.discover(1, [], { ciaddr: ipv4('192.0.2.1') })).toBe('ignored: bad-request')
    expect([...s.core.bindings()]).toEqual([])
  })
})

describe('hosts', () => {
  const hosts = [
    { address: ipv4('10.0.0.5'), mac: station(1), hostName: 'alice' },
    { address: ipv4('10.0.0.101'), clientId: clientIdFromMac(station(7)) },
  ]

  it('get their address, inside or outside of the ranges, and their name', () => {
    const s = withSubnet({ hosts })
    expect(s.acquires(1)).toBe('10.0.0.5')
    expect(getOption(s.outcome.reply!.message.options, OPTION_HOST_NAME)).toBe('alice')
    expect(s.discover(3, [setting(OPTION_CLIENT_ID, clientIdFromMac(station(7)))])).toContain('offer 10.0.0.101')
    expect(s.discover(7)).not.toContain('offer 10.0.0.101')
  })

  it('keep it from everybody else, and get no other', () => {
    const s = withSubnet({ hosts })
    expect(new Set([2, 3, 4].map((n) => s.acquires(n)))).toEqual(new Set(['10.0.0.100', '10.0.0.102', '10.0.0.103']))
    expect(s.acquires(5)).toBe('ignored: no-address')
    expect(s.request(5, '10.0.0.5')).toContain('nak')
    expect(s.request(1, '10.0.0.100')).toContain('nak')
    expect(s.reboot(1, '10.0.0.5')).toContain('ack 10.0.0.5')
    expect(s.reboot(1, '10.0.0.100')).toContain('nak')
  })

  it('wait when somebody else is at their address', () => {
    const s = withSubnet({ hosts })
    s.acquires(1)
    expect(s.decline(1, '10.0.0.5')).toBe('declined 10.0.0.5')
    expect(s.discover(1)).toBe('ignored: no-address')
    s.passes(3600)
    expect(s.acquires(1)).toBe('10.0.0.5')
  })
})

describe('relay agents', () => {
  it('bring clients of other subnets', () => {
    const far = {
      ...SUBNET,
      prefix: ipv4Prefix('10.5.0.0/16'),
      ranges: [{ first: ipv4('10.5.3.1'), last: ipv4('10.5.3.9') }],
      routers: [],
    }
    const s = serverScript({ subnets: [SUBNET, far] })
    const relayed = { giaddr: ipv4('10.5.0.1') }
    const got = s.acquires(1, relayed)
    expect(got).toMatch(/^10\.5\.3\./)
    expect(s.acquires(1)).toMatch(/^10\.0\.0\./)
    expect(s.renew(1, got)).toContain(`to client ${got}`)
    expect(s.discover(1, [], { giaddr: ipv4('10.6.0.1') })).toBe('ignored: no-subnet')
    expect(s.reboot(1, got)).toContain('nak')
  })
})

describe('the pool', () => {
  const every = (pool: AddressPool, start = 0): string[] => Array.from(pool.from(start), formatIpv4)

  it.each([
    ['10.0.0.0/29', 5],
    ['10.0.0.0/30', 1],
    ['10.0.0.0/31', 1],
    ['10.0.0.0/23', 509],
    ['10.0.0.0/20', 4093],
  ])('of %s has %i addresses, each given once', (prefix, count) => {
    const s = withSubnet({ prefix: ipv4Prefix(prefix), ranges: undefined as never, routers: [] }, {})
    const got = new Set<string>()
    for (let n = 0; n < count; n++) {
      const mac = (0x02_0000_0100_00 + n) as never
      s.arrives(message({ type: 'discover', chaddr: mac }))
      const address = s.outcome.reply!.message.yiaddr
      expect(prefixContains(ipv4Prefix(prefix), address)).toBe(true)
      got.add(formatIpv4(address))
    }
    expect(got.size).toBe(count)
    expect(got).not.toContain('10.0.0.1')
    expect(s.discover(255)).toBe('ignored: no-address')
  })

  it('goes over octets and from range to range', () => {
    const pool = new AddressPool(
      [
        { first: ipv4('10.0.0.254'), last: ipv4('10.0.1.1') },
        { first: ipv4('10.0.9.9'), last: ipv4('10.0.9.9') },
      ],
      [ipv4('10.0.1.0')],
    )
    expect(every(pool, 0)).toEqual(['10.0.0.254', '10.0.0.255', '10.0.1.1', '10.0.9.9'])
    expect(every(pool, 4)).toEqual(['10.0.9.9', '10.0.0.254', '10.0.0.255', '10.0.1.1'])
    expect(pool.has(ipv4('10.0.1.0'))).toBe(false)
    expect(pool.has(ipv4('10.0.9.8'))).toBe(false)
    expect(pool.has(ipv4('10.0.9.9'))).toBe(true)
  })

  it('forgets what expired first when the table is full, and nothing else', () => {
    const s = withSubnet({ ranges: undefined as never }, { maxBindings: 2 })
    const first = s.acquires(1)
    s.passes(10)
    const second = s.acquires(2)
    expect(s.discover(3)).toBe('ignored: table-full')
    s.passes(3595)
    s.acquires(3)
    const left = [...s.core.bindings()].map(({ address }) => formatIpv4(address))
    expect(left).toHaveLength(2)
    expect(left).toContain(second)
    expect(left).not.toContain(first)
  })
})

describe('options', () => {
  const check = (options: Partial<DhcpServerOptions>) => coreSettings(serverSettings({ ...OPTIONS, ...options }))
  const range = (first: string, last: string) => ({ first: ipv4(first), last: ipv4(last) })

  it.each([
    [{ address: ipv4('0.0.0.0') }],
    [{ subnets: [] }],
    [{ subnets: [SUBNET, SUBNET] }],
    [{ offerMs: 0 }],
    [{ maxBindings: 0 }],
    [{ subnets: [{ ...SUBNET, ranges: [range('10.0.0.9', '10.0.0.8')] }] }],
    [{ subnets: [{ ...SUBNET, ranges: [range('10.0.0.9', '10.0.1.8')] }] }],
    [{ subnets: [{ ...SUBNET, ranges: [range('10.0.0.9', '10.0.0.20'), range('10.0.0.20', '10.0.0.30')] }] }],
    [{ subnets: [{ ...SUBNET, leaseSeconds: 5 }] }],
    [{ subnets: [{ ...SUBNET, leaseSeconds: 100.5 }] }],
    [{ subnets: [{ ...SUBNET, mtu: 67 }] }],
    [{ subnets: [{ ...SUBNET, hosts: [{ address: ipv4('10.0.1.5'), mac: station(1) }] }] }],
    [{ subnets: [{ ...SUBNET, hosts: [{ address: SERVER, mac: station(1) }] }] }],
    [{ subnets: [{ ...SUBNET, hosts: [4, 5].map((n) => ({ address: ipv4(`10.0.0.${n}`), mac: station(1) })) }] }],
  ])('refuses nonsense %#', (options) => {
    expect(() => check(options)).toThrow(RangeError)
  })

  it('refuses what is no name and nobody', () => {
    expect(() => check({ subnets: [{ ...SUBNET, domainName: 'a b' }] })).toThrow(TypeError)
    expect(() => check({ subnets: [{ ...SUBNET, hosts: [{ address: ipv4('10.0.0.5') }] }] })).toThrow(TypeError)
  })
})

it('never binds an address twice, whatever arrives', () => {
  const type = fc.constantFrom(
    'discover' as const,
    'request' as const,
    'decline' as const,
    'release' as const,
    'inform' as const,
  )
  const address = fc.oneof(fc.constant(0), fc.integer({ min: 0x0a000063, max: 0x0a000069 })) as fc.Arbitrary<Ipv4>
  const event = fc.record({
    type,
    n: fc.integer({ min: 1, max: 6 }),
    ciaddr: address,
    requested: fc.option(address, { nil: undefined }),
    server: fc.constantFrom(undefined, SERVER, SERVER, OTHER_SERVER),
    seconds: fc.integer({ min: 0, max: 2000 }),
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (events, authoritative) => {
      const s = serverScript({ authoritative, maxBindings: 5 })
      const acknowledged = new Map<Ipv4, { n: number; until: number }>()
      for (const e of events) {
        s.passes(e.seconds)
        s.arrives(
          message({ type: e.type, chaddr: station(e.n), ciaddr: e.ciaddr }, [
            setting(OPTION_REQUESTED_ADDRESS, e.requested),
            setting(OPTION_SERVER_ID, e.server),
          ]),
        )
        const { reply, binding } = s.outcome
        if (binding !== undefined && binding.state !== 'bound') acknowledged.delete(binding.address)
        if (reply?.message.type !== 'ack' || e.type === 'inform') continue
        const { yiaddr } = reply.message
        const before = acknowledged.get(yiaddr)
        if (before !== undefined && before.n !== e.n) expect(before.until).toBeLessThanOrEqual(s.now)
        // Whoever gets another address has given up the one before.
        for (const [a, holder] of acknowledged) if (holder.n === e.n) acknowledged.delete(a)
        acknowledged.set(yiaddr, { n: e.n, until: s.now + getOption(reply.message.options, OPTION_LEASE_TIME)! * 1000 })
        expect([...s.core.bindings()].length).toBeLessThanOrEqual(5)
      }
    }),
    { numRuns: 300 },
  )
})
