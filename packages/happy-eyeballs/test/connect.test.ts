import { type Endpoint, formatIp, type IpAddress, ip, prefix } from '@fata/addr'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { beforeEach, describe, expect, it } from 'vitest'
import { type ConnectOptions, connect, HappyEyeballsError } from '../src/index.ts'

interface FakeFlow {
  readonly to: string
  aborted: boolean
  abort(): void
}

describe('connect', () => {
  let runtime: VirtualRuntime
  let flows: FakeFlow[]
  let log: string[]
  let zone: Record<string, { readonly after: number; readonly addresses: string[] } | { readonly error: Error }>
  /** Time until an address answers; negative: it refuses after that time. */
  let hosts: Record<string, number>
  let heedsSignal: boolean

  const later = <T>(ms: number, signal: AbortSignal, result: () => T): Promise<T> =>
    new Promise((resolve, reject) => {
      const timer = runtime.clock.schedule(runtime.clock.now() + ms, () => {
        try {
          resolve(result())
        } catch (error) {
          reject(error)
        }
      })
      signal.addEventListener('abort', () => {
        if (!heedsSignal) return
        timer.cancel()
        reject(signal.reason)
      })
    })

  const options = (): ConnectOptions<FakeFlow> => ({
    clock: runtime.clock,
    resolve: async (name, { family, signal }) => {
      log.push(`${runtime.clock.now()}: resolve ${name} ${family}`)
      const answer = zone[`${name} ${family}`]
      if (answer === undefined) return later(1e6, signal, () => [])
      if ('error' in answer) throw answer.error
      return later(answer.after, signal, () => answer.addresses.map(ip))
    },
    connect: (to: Endpoint, { signal }) => {
      const address = formatIp(to.address)
      log.push(`${runtime.clock.now()}: connect ${address} ${to.port}`)
      signal.addEventListener('abort', () => log.push(`${runtime.clock.now()}: abort ${address}`))
      const after = hosts[address]
      return later(Math.abs(after ?? 1e6), signal, () => {
        if (after === undefined || after < 0) throw new Error(`${address} refuses`)
        const flow: FakeFlow = {
          to: address,
          aborted: false,
          abort() {
            flow.aborted = true
          },
        }
        flows.push(flow)
        return flow
      })
    },
  })

  beforeEach(() => {
    runtime = createVirtualRuntime(1)
    flows = []
    log = []
    zone = {}
    hosts = {}
    heedsSignal = true
  })

  it('takes the fastest family, here the second, and aborts the other', async () => {
    zone = { 'dual 6': { after: 5, addresses: ['2001:db8::1'] }, 'dual 4': { after: 3, addresses: ['192.0.2.1'] } }
    hosts = { '2001:db8::1': 1000, '192.0.2.1': 20 }
    const flow = await runtime.clock.settle(connect('dual', 80, options()))
    expect(flow.to).toBe('192.0.2.1')
    expect(log).toEqual([
      '0: resolve dual 6',
      '0: resolve dual 4',
      '5: connect 2001:db8::1 80',
      '255: connect 192.0.2.1 80',
      '275: abort 2001:db8::1',
    ])
    expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('aborts a connection that comes although it was aborted', async () => {
    heedsSignal = false
    hosts = { '2001:db8::1': 300, '192.0.2.1': 20 }
    const flow = await runtime.clock.settle(connect([ip('2001:db8::1'), ip('192.0.2.1')], 80, options()))
    await runtime.clock.run()
    expect(flow).toMatchObject({ to: '192.0.2.1', aborted: false })
    expect(flows.find((f) => f !== flow)).toMatchObject({ to: '2001:db8::1', aborted: true })
  })

  it('keeps one of two that connect at the same time', async () => {
    hosts = { '2001:db8::1': 270, '192.0.2.1': 20 }
    const flow = await runtime.clock.settle(connect([ip('2001:db8::1'), ip('192.0.2.1')], 80, options()))
    await runtime.clock.run()
    expect(flows.filter((f) => !f.aborted)).toEqual([flow])
  })

  it('connects by IPv4 when the AAAA query fails', async () => {
    zone = { 'v4 6': { error: new Error('SERVFAIL') }, 'v4 4': { after: 30, addresses: ['192.0.2.1'] } }
    hosts = { '192.0.2.1': 20 }
    expect((await runtime.clock.settle(connect('v4', 80, options()))).to).toBe('192.0.2.1')
    expect(runtime.clock.now()).toBe(50)
  })

  it('says everything that failed', async () => {
    zone = { 'bad 6': { error: new Error('SERVFAIL') }, 'bad 4': { after: 1, addresses: ['192.0.2.1', '192.0.2.2'] } }
    hosts = { '192.0.2.1': -20 }
    const error = await runtime.clock.settle(connect('bad', 80, options()).catch((e: unknown) => e))
    expect(error).toBeInstanceOf(HappyEyeballsError)
    const { code, failures, cause, message } = error as HappyEyeballsError
    expect(code).toBe('ERR_HAPPY_EYEBALLS_FAILED')
    expect(message).toBe('bad took no connection in 2 attempts')
    expect(failures.map((f) => [f.kind, (f.error as Error).message])).toEqual([
      ['resolve', 'SERVFAIL'],
      ['connect', '192.0.2.1 refuses'],
      ['connect', 'the attempt to connect has taken too long'],
    ])
    expect(failures[2]).toMatchObject({
      endpoint: { address: ip('192.0.2.2'), port: 80 },
      error: { name: 'TimeoutError' },
    })
    expect(cause).toBe(failures[0]!.error)
    expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
  })

  it('says that there are no addresses', async () => {
    zone = { 'none 6': { error: new Error('NXDOMAIN') }, 'none 4': { after: 1, addresses: [] } }
    await expect(runtime.clock.settle(connect('none', 80, options()))).rejects.toMatchObject({
      code: 'ERR_HAPPY_EYEBALLS_NO_ADDRESS',
      failures: [{ kind: 'resolve', family: 6 }],
    })
  })

  it('ends although the resolver never answers', async () => {
    await expect(runtime.clock.settle(connect('silent', 80, options()))).rejects.toMatchObject({
      code: 'ERR_HAPPY_EYEBALLS_NO_ADDRESS',
      failures: [
        { family: 6, error: { name: 'TimeoutError' } },
        { family: 4, error: { name: 'TimeoutError' } },
      ],
    })
    expect(runtime.clock.now()).toBe(30_000)
  })

  it('survives functions that throw at once', async () => {
    const broken = (): never => {
      throw new Error('broken')
    }
    const all = runtime.clock.settle(connect('x', 80, { ...options(), resolve: broken }))
    await expect(all).rejects.toMatchObject({ code: 'ERR_HAPPY_EYEBALLS_NO_ADDRESS' })
    const one = runtime.clock.settle(connect('::1', 80, { ...options(), connect: broken }))
    await expect(one).rejects.toMatchObject({ code: 'ERR_HAPPY_EYEBALLS_FAILED' })
  })

  it('asks nobody for an address', async () => {
    hosts = { '192.0.2.1': 20, '2001:db8::1': 5 }
    expect((await runtime.clock.settle(connect('192.0.2.1', 80, options()))).to).toBe('192.0.2.1')
    expect((await runtime.clock.settle(connect('2001:db8::1', 80, options()))).to).toBe('2001:db8::1')
    expect(log.filter((line) => line.includes('resolve'))).toEqual([])
  })

  it('keeps to one family', async () => {
    zone = { 'dual 6': { after: 5, addresses: ['2001:db8::1', '192.0.2.9'] } }
    hosts = { '2001:db8::1': -5 }
    await expect(runtime.clock.settle(connect('dual', 80, { ...options(), family: 6 }))).rejects.toThrow('1 attempts')
    const other: IpAddress[] = [ip('192.0.2.1')]
    await expect(runtime.clock.settle(connect(other, 80, { ...options(), family: 6 }))).rejects.toThrow('no address')
  })

  it('sorts by what the host can send from', async () => {
    hosts = { '192.0.2.1': 20, '2001:db8::1': 20 }
    const sources = () => [{ prefix: prefix('fe80::1/64') }, { prefix: prefix('192.0.2.7/24') }]
    const flow = await runtime.clock.settle(
      connect([ip('2001:db8::1'), ip('192.0.2.1')], 80, { ...options(), sources }),
    )
    expect(flow.to).toBe('192.0.2.1')
  })

  it('gives up when told to', async () => {
    const controller = new AbortController()
    zone = { 'dual 6': { after: 5, addresses: ['2001:db8::1'] } }
    const promise = connect('dual', 80, { ...options(), signal: controller.signal })
    runtime.clock.schedule(100, () => controller.abort(new Error('enough')))
    await expect(runtime.clock.settle(promise)).rejects.toThrow('enough')
    expect(log.at(-1)).toBe('100: abort 2001:db8::1')
    expect(runtime.clock.nextAt()).toBe(Number.POSITIVE_INFINITY)
    await expect(connect('dual', 80, { ...options(), signal: controller.signal })).rejects.toThrow('enough')
  })

  it('logs attempts where somebody listens', async () => {
    const lines: unknown[] = []
    hosts = { '192.0.2.1': -1 }
    const logger = { enabled: () => true, log: (...line: unknown[]) => void lines.push(line.slice(0, 3)) }
    await runtime.clock.settle(connect('192.0.2.1', 80, { ...options(), log: logger }).catch(() => {}))
    expect(lines).toEqual([
      ['debug', 'happy-eyeballs', 'connecting'],
      ['debug', 'happy-eyeballs', 'not connected'],
    ])
  })

  it.each([0, 65536, 1.5, Number.NaN])('throws at port %s', (port) => {
    expect(() => connect('x', port, options())).toThrow(RangeError)
  })

  it('throws at an empty name and at options out of range', () => {
    expect(() => connect('', 80, options())).toThrow(TypeError)
    expect(() => connect('x', 80, { ...options(), attemptDelayMs: 1 })).toThrow(RangeError)
  })
})
