import { formatIpv4, type IpAddress, type Ipv4, ipv4, ipv4Prefix, type Mac } from '@fata/addr'
import { KvError } from '@fata/kv'
import { createMem } from '@fata/kv-mem'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createDhcpClient,
  createDhcpServer,
  type DhcpClient,
  type DhcpClientDeps,
  type DhcpClientOptions,
  type DhcpServer,
  type DhcpServerDeps,
  type DhcpServerOptions,
} from '../src/index.ts'
import { clientIdFromMac } from '../src/wire.ts'
import { createExchange, type Exchange } from './support/exchange.ts'
import { station } from './support/server-script.ts'

const SERVER = ipv4('10.0.0.1')
const HOUR = 3_600_000

let runtime: VirtualRuntime
let lan: Exchange

beforeEach(() => {
  runtime = createVirtualRuntime(5)
  lan = createExchange(runtime)
})

function server(options: Partial<DhcpServerOptions> = {}, deps: Partial<DhcpServerDeps> = {}): DhcpServer {
  return createDhcpServer(
    { socket: lan.socket(67, [SERVER]), clock: runtime.clock, ...deps },
    { address: SERVER, subnets: [{ prefix: ipv4Prefix('10.0.0.0/24'), routers: [SERVER] }], ...options },
  )
}

/** A client whose address is that of its lease, as a stack would have it. */
function client(
  n: number,
  options: DhcpClientOptions = {},
  deps: Partial<DhcpClientDeps> = {},
): DhcpClient & { events: string[] } {
  const addresses: IpAddress[] = []
  const events: string[] = []
  const made = createDhcpClient({ socket: lan.socket(68, addresses), ...runtime, mac: station(n), ...deps }, options)
  made.onLease((event) => {
    addresses.splice(0, 1, ...(event.kind === 'lost' ? [] : [event.lease.address]))
    events.push(`${event.kind} ${formatIpv4(event.lease.address)}${event.kind === 'lost' ? ` ${event.reason}` : ''}`)
  })
  return Object.assign(made, { events })
}

describe('a client and a server', () => {
  it('agree on an address and keep to it for a week', async () => {
    const s = server()
    const c = client(1, { hostName: 'alice' })
    const lease = await runtime.clock.settle(c.start())
    expect(c.state).toBe('bound')
    expect(c.lease).toBe(lease)
    expect(s.bindings()).toMatchObject([{ address: lease.address, state: 'bound', mac: station(1), hostName: 'alice' }])
    expect(lease).toMatchObject({ server: SERVER, prefixLength: 24, hostName: 'alice', routes: [{ gateway: SERVER }] })
    runtime.clock.advance(7 * 24 * HOUR)
    expect(c.events[0]).toBe(`acquired ${formatIpv4(lease.address)}`)
    expect(new Set(c.events.slice(1))).toEqual(new Set([`renewed ${formatIpv4(lease.address)}`]))
    // Every half hour or a little earlier.
    expect(c.events.length).toBeGreaterThan(7 * 48)
    expect(c.events.length).toBeLessThan(7 * 48 * 1.05)
    expect(c.stats.dropped).toEqual({})
    expect(s.stats.dropped).toEqual({})
    expect(c.stats.sent).toBe(s.stats.received)
  })

  it('is over when the lease is released', async () => {
    const s = server()
    const c = client(1)
    const waiting = c.start()
    const { address } = await runtime.clock.settle(waiting)
    await c.release()
    runtime.clock.advance(10)
    expect(c.lease).toBeUndefined()
    expect(c.events.at(-1)).toBe(`lost ${formatIpv4(address)} released`)
    expect(s.bindings()).toMatchObject([{ address, state: 'released' }])
    expect((await runtime.clock.settle(c.start())).address).toBe(address)
  })

  it('have an answer to DHCPINFORM, and an end where there is none', async () => {
    const s = server()
    const own = ipv4('10.0.0.9')
    const c = createDhcpClient({ socket: lan.socket(68, [own]), ...runtime, mac: station(1) })
    expect(await runtime.clock.settle(c.inform(own))).toMatchObject({ server: SERVER, prefixLength: 24 })
    await s.close()
    const start = runtime.clock.now()
    const asked = c.inform(own)
    await expect(c.inform(own)).rejects.toMatchObject({ code: 'ERR_DHCP_BUSY' })
    await expect(runtime.clock.settle(asked)).rejects.toMatchObject({ code: 'ERR_DHCP_TIMEOUT' })
    expect(runtime.clock.now() - start).toBeGreaterThan(55_000)
    expect(runtime.clock.now() - start).toBeLessThan(65_000)
    expect(() => c.inform(ipv4('0.0.0.0'))).toThrow(RangeError)
    const aborted = new AbortController()
    const given = c.inform(own, { signal: aborted.signal })
    aborted.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    runtime.clock.advance(10)
    expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('find another address where the first one is taken', async () => {
    const s = server()
    const taken = new Set<Ipv4>()
    const probe = async (address: Ipv4): Promise<boolean> => {
      if (taken.size > 0) return !taken.has(address)
      taken.add(address)
      return false
    }
    const c = client(1, {}, { probe })
    const { address } = await runtime.clock.settle(c.start())
    expect(runtime.clock.now()).toBeGreaterThanOrEqual(10_000)
    expect(taken.has(address)).toBe(false)
    expect(s.bindings()).toHaveLength(2)
    expect(
      s
        .bindings()
        .map(({ state }) => state)
        .sort(),
    ).toEqual(['bound', 'declined'])
    c.conflict()
    expect(c.events.at(-1)).toBe(`lost ${formatIpv4(address)} conflict`)
    expect((await runtime.clock.settle(c.start())).address).not.toBe(address)
  })

  it('use an address that cannot be probed', async () => {
    server()
    const c = client(1, {}, { probe: () => Promise.reject(new Error('no ARP')) })
    expect((await runtime.clock.settle(c.start())).address).toBeGreaterThan(0)
  })

  it('live through servers that come and go', async () => {
    const first = server()
    const c = client(1)
    const { address } = await runtime.clock.settle(c.start())
    await first.close()
    runtime.clock.advance(2 * HOUR)
    expect(c.events.at(-1)).toBe(`lost ${formatIpv4(address)} expired`)
    expect(c.state).toBe('selecting')
    server()
    expect((await runtime.clock.settle(c.start())).address).toBe(address)
  })

  it('are moved by a network that changes', async () => {
    const first = server()
    const c = client(1)
    const before = await runtime.clock.settle(c.start())
    await first.close()
    server({ authoritative: true, subnets: [{ prefix: ipv4Prefix('10.0.0.0/29') }] })
    runtime.clock.advance(HOUR)
    expect(c.events[1]).toBe(`lost ${formatIpv4(before.address)} refused`)
    expect(c.lease).toMatchObject({ prefixLength: 29 })
  })

  it('let thirty clients have thirty addresses, over a link that loses a third', async () => {
    lan.loss = 0.33
    const s = server({
      subnets: [{ prefix: ipv4Prefix('10.0.0.0/27'), ranges: [{ first: ipv4('10.0.0.1'), last: ipv4('10.0.0.30') }] }],
    })
    const clients = Array.from({ length: 29 }, (_, n) => client(n + 1))
    const leases = await runtime.clock.settle(Promise.all(clients.map((c) => c.start())), HOUR * 24)
    expect(new Set(leases.map(({ address }) => address)).size).toBe(29)
    runtime.clock.advance(72 * HOUR)
    const bound = s.bindings().filter(({ state, expiresAt }) => state === 'bound' && expiresAt > runtime.clock.now())
    const byMac = new Map<Mac, Ipv4>(bound.map(({ mac, address }) => [mac, address]))
    let holding = 0
    clients.forEach((c, n) => {
      if (c.lease === undefined) return
      holding++
      expect(byMac.get(station(n + 1))).toBe(c.lease.address)
    })
    expect(holding).toBeGreaterThan(25)
  })

  it('say less to clients that take no long messages', async () => {
    server({
      subnets: [
        {
          prefix: ipv4Prefix('10.0.0.0/24'),
          options: new Map([
            [200, new Uint8Array(250)],
            [201, new Uint8Array(250)],
            [202, new Uint8Array(250)],
          ]),
        },
      ],
    })
    const parameters = [200, 201, 202]
    const small = await runtime.clock.settle(client(1, { parameters, maxMessageSize: 576 }).start())
    expect([...small.options.keys()].filter((code) => code >= 200)).toEqual([200])
    expect(Math.max(...lan.sent.map(({ data }) => data.length))).toBeLessThanOrEqual(548)
    const large = await runtime.clock.settle(client(2, { parameters }).start())
    expect([...large.options.keys()].filter((code) => code >= 200)).toEqual(parameters)
  })
})

describe('a client', () => {
  it('tells those who wait how it ended', async () => {
    const c = client(1)
    const waiting = c.start()
    const aborted = new AbortController()
    const other = c.start({ signal: aborted.signal })
    aborted.abort(new Error('enough'))
    await expect(other).rejects.toThrow('enough')
    expect(c.state).toBe('selecting')
    void c.close()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_DHCP_CLOSED' })
    await expect(c.start()).rejects.toMatchObject({ code: 'ERR_DHCP_CLOSED' })
    await expect(c.inform(SERVER)).rejects.toMatchObject({ code: 'ERR_DHCP_CLOSED' })
    await c.close()
    runtime.clock.advance(10)
    expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    const d = client(2)
    const released = d.start()
    void d.release()
    await expect(released).rejects.toMatchObject({ code: 'ERR_DHCP_RELEASED' })
    await expect(d.start({ signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
    expect(d.state).toBe('stopped')
  })

  it('goes on when the device does not take its messages, and counts them', async () => {
    server()
    lan.down = true
    const c = client(1)
    const waiting = c.start()
    runtime.clock.advance(10)
    lan.down = false
    await runtime.clock.settle(waiting)
    expect(c.stats.unsent).toEqual({ 'send-failed': 1 })
  })

  it('counts what it does not understand', () => {
    const stray = lan.socket(67, [SERVER])
    const c = client(1)
    stray.send(new Uint8Array(10), { address: ipv4('255.255.255.255'), port: 68 })
    runtime.clock.advance(10)
    expect(c.stats).toMatchObject({ received: 0, dropped: { 'too-short': 1 } })
  })

  it('comes back to the address that it had, through its store', async () => {
    const store = createMem()
    const s = server()
    const first = client(1, {}, { store })
    const { address } = await runtime.clock.settle(first.start())
    await first.close()
    lan.sent.length = 0
    const second = client(1, {}, { store })
    expect((await runtime.clock.settle(second.start())).address).toBe(address)
    // INIT-REBOOT: a request and its answer.
    expect(lan.sent).toHaveLength(2)
    await second.release()
    expect(await store.get('/dhcp/lease')).toBeUndefined()
    await s.close()
  })

  it.each([
    '',
    'null',
    '{}',
    '{"address":"10.0.0.300","expires":null}',
    '{"address":"10.0.0.3"}',
    '[]',
    '{"address":"224.0.0.1","expires":5}',
  ])('begins anew where the store holds %j', async (text) => {
    const store = createMem()
    await store.set('/dhcp/lease', new TextEncoder().encode(text))
    server()
    await runtime.clock.settle(client(1, {}, { store }).start())
    expect(lan.sent).toHaveLength(4)
  })

  it('does without a store that fails', async () => {
    const fails = (): Promise<never> => Promise.reject(new KvError('KV_IO'))
    server()
    const c = client(1, {}, { store: { get: fails, set: fails, remove: fails } })
    await runtime.clock.settle(c.start())
    await c.release()
    await c.close()
  })

  it('is not started by a store that comes too late', async () => {
    let give: (value: undefined) => void = () => {}
    const get = () =>
      new Promise<undefined>((resolve) => {
        give = resolve
      })
    const c = client(1, {}, { store: { get, set: async () => {}, remove: async () => {} } })
    const waiting = c.start()
    void c.release()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_DHCP_RELEASED' })
    give(undefined)
    await runtime.clock.run()
    expect(c.state).toBe('stopped')
    expect(lan.sent).toEqual([])
  })

  it.each([
    [{ maxMessageSize: 575 }, RangeError],
    [{ parameters: [] }, RangeError],
    [{ parameters: [255] }, RangeError],
    [{ requestTries: 0 }, RangeError],
    [{ leaseSeconds: -1 }, RangeError],
    [{ clientId: new Uint8Array(1) }, RangeError],
    [{ hostName: 'a b' }, TypeError],
    [{ vendorClass: 'é' }, TypeError],
  ])('refuses nonsense: %o', (options, error) => {
    expect(() => client(1, options)).toThrow(error)
  })

  it('identifies itself as it is told', async () => {
    const s = server()
    for (const [n, clientId] of (['duid', 'mac', 'none', clientIdFromMac(station(99))] as const).entries())
      await runtime.clock.settle(client(n + 1, { clientId }).start())
    expect(s.bindings().map((b) => b.client)).toEqual([
      'id:ff0000010100030001020000000101',
      'id:01020000000102',
      'mac:020000000103',
      'id:01020000000163',
    ])
  })
})

describe('a server', () => {
  it('knows its clients after a restart, through its store', async () => {
    const store = createMem()
    const before = server({}, { store })
    const c = client(1, { hostName: 'alice' })
    const { address } = await runtime.clock.settle(c.start())
    const [binding] = before.bindings()
    await before.close()
    const after = server({}, { store })
    await after.ready
    expect(after.bindings()).toEqual([{ ...binding, expiresAt: expect.closeTo(binding!.expiresAt, -1) }])
    c.renew()
    runtime.clock.advance(10)
    await runtime.clock.run(() => c.events.length > 1)
    expect(c.events.at(-1)).toBe(`renewed ${formatIpv4(address)}`)
    expect(await after.forget(address)).toBe(true)
    expect(await after.forget(address)).toBe(false)
    expect(await store.exists('/dhcp/bindings')).toBeUndefined()
  })

  it('acknowledges what is written, and nothing else', async () => {
    let fails = true
    const mem = createMem()
    const store = {
      get: mem.get.bind(mem),
      list: mem.list.bind(mem),
      remove: mem.remove.bind(mem),
      set: (...args: Parameters<typeof mem.set>) =>
        fails ? Promise.reject(new KvError('KV_NO_SPACE')) : mem.set(...args),
    }
    const s = server({}, { store })
    const c = client(1)
    const waiting = c.start()
    await runtime.clock.run(() => false, 20_000)
    expect(c.state).toBe('requesting')
    expect(s.stats.unsent).toEqual({ 'store-failed': 3 })
    fails = false
    await runtime.clock.settle(waiting)
  })

  it('answers nobody while its store is busy, or cannot be read', async () => {
    const never = (): Promise<never> => new Promise(() => {})
    const list = async (): Promise<never[]> => []
    const busy = server({ maxPendingWrites: 1 }, { store: { get: never, set: never, remove: never, list } })
    await busy.ready
    const c = client(1)
    void c.start().catch(() => {})
    await runtime.clock.run(() => false, 20_000)
    expect(busy.stats.unsent).toEqual({ 'store-busy': 2 })
    const failing = (): Promise<never> => Promise.reject(new KvError('KV_IO'))
    const broken = server({}, { store: { get: failing, set: failing, remove: failing, list: failing } })
    await expect(broken.ready).rejects.toMatchObject({ code: 'ERR_DHCP_STORE', cause: { code: 'KV_IO' } })
    runtime.clock.advance(60_000)
    expect(broken.stats.dropped['not-ready']).toBeGreaterThan(0)
    await broken.close()
    await c.close()
  })

  it('passes over what it cannot read', async () => {
    const store = createMem()
    for (const [name, text] of [
      ['10.0.0.5', 'x'],
      ['10.0.0.6', '{}'],
      ['x', '{"state":"bound","client":"mac:1","mac":"02:00:00:00:00:01","expires":null}'],
      ['10.0.0.7', '{"state":"offered","client":"mac:1","mac":"02:00:00:00:00:01","expires":null}'],
      ['10.0.0.8', '{"state":"bound","client":"mac:1","mac":"02:00:00:00:00:01","expires":null}'],
      ['192.168.0.8', '{"state":"bound","client":"mac:2","mac":"02:00:00:00:00:02","expires":null}'],
    ] as const)
      await store.set(`/dhcp/bindings/${name}`, new TextEncoder().encode(text))
    const s = server({}, { store })
    await s.ready
    expect(s.bindings()).toMatchObject([{ address: ipv4('10.0.0.8'), expiresAt: Number.POSITIVE_INFINITY }])
  })

  it('tells of bindings, until it is closed', async () => {
    const s = server()
    const told: string[] = []
    const leave = s.onBinding(({ state }) => told.push(state))
    const c = client(1)
    await runtime.clock.settle(c.start())
    await c.release()
    runtime.clock.advance(10)
    expect(told).toEqual(['bound', 'released'])
    leave()
    await runtime.clock.settle(c.start())
    expect(told).toHaveLength(2)
    await s.close()
    await s.close()
    c.renew()
    const { received } = s.stats
    runtime.clock.advance(1000)
    expect(s.stats.received).toBe(received)
  })

  it('sends to hardware through its neighbours, by broadcast where they do not take it', async () => {
    const pinned: string[] = []
    let full = false
    const setStatic = (address: Ipv4, mac: Mac | undefined): void => {
      if (full) throw Object.assign(new Error('full'), { code: 'ERR_ARP_FULL' })
      pinned.push(`${formatIpv4(address)} ${mac === undefined ? 'gone' : 'pinned'}`)
    }
    server(
      {
        subnets: [{ prefix: ipv4Prefix('10.0.0.4/30'), ranges: [{ first: ipv4('10.0.0.5'), last: ipv4('10.0.0.5') }] }],
        address: ipv4('10.0.0.6'),
      },
      { neighbors: { setStatic } },
    )
    const open = createDhcpClient(
      { socket: lan.socket(68, [ipv4('10.0.0.5')]), ...runtime, mac: station(1) },
      { broadcast: false },
    )
    await runtime.clock.settle(open.start())
    expect(pinned).toEqual(['10.0.0.5 pinned', '10.0.0.5 gone', '10.0.0.5 pinned', '10.0.0.5 gone'])
    expect(lan.sent[1]!.dst.address).toBe(ipv4('10.0.0.5'))
    full = true
    await open.release()
    await runtime.clock.settle(open.start())
    expect(lan.sent.at(-1)!.dst.address).toBe(ipv4('255.255.255.255'))
  })
})
