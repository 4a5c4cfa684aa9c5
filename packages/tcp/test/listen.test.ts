import { ip } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import type { TcpFlow } from '../src/index.ts'
import { Script } from './support/script.ts'

/** The peer opens from `port`, and sends no last ACK. */
async function syn(t: Script, port: number): Promise<void> {
  t.peerPort = port
  await t.arrives({ syn: true, seq: 0 })
}

async function open(t: Script, port: number): Promise<void> {
  await syn(t, port)
  await t.arrives({ seq: 1, ack: 1 })
}

describe('listening', () => {
  it('hands flows to the callback', async () => {
    const t = new Script()
    const flows: TcpFlow[] = []
    t.tcp.listen({ port: 80 }, (flow) => {
      flows.push(flow)
    })
    await open(t, 1001)
    await open(t, 1002)
    expect(flows.map((f) => f.remote.port)).toEqual([1001, 1002])
    await t.end()
  })

  it('is ready at once', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 0 })
    await listener.ready
    expect(listener.local.port).toBeGreaterThan(0)
    await t.end()
  })

  it('aborts a flow whose callback throws or rejects', async () => {
    const t = new Script()
    let async = false
    t.tcp.listen({ port: 80 }, () => {
      if (async) return Promise.reject(new Error('later'))
      throw new Error('at once')
    })
    await open(t, 1001)
    expect(t.take().at(-1)).toMatchObject({ rst: true })
    async = true
    await open(t, 1002)
    expect(t.take().at(-1)).toMatchObject({ rst: true })
    expect(t.states()).toEqual([])
    await t.end()
  })

  it('can be iterated until it is closed', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    const ports: number[] = []
    const loop = (async () => {
      for await (const flow of listener) ports.push(flow.remote.port)
    })()
    await open(t, 1001)
    await open(t, 1002)
    await listener.close()
    await loop
    expect(ports).toEqual([1001, 1002])
    await t.end()
  })

  it('accept gives up with the signal, and rejects after close', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    const abort = new AbortController()
    const first = listener.accept({ signal: abort.signal })
    const second = listener.accept()
    abort.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    await open(t, 1001)
    expect((await second).remote.port).toBe(1001)
    const third = listener.accept()
    await listener.close()
    await listener.close()
    await expect(third).rejects.toMatchObject({ code: 'ERR_TCP_CLOSED' })
    await expect(listener.accept()).rejects.toMatchObject({ code: 'ERR_TCP_CLOSED' })
    await t.end()
  })

  it('close resets what nobody has accepted, and frees the port', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    await open(t, 1001)
    await syn(t, 1002)
    t.take()
    await listener.close()
    await t.settle()
    expect(t.take().map((s) => s.rst)).toEqual([true, true])
    expect(t.states()).toEqual([])
    await syn(t, 1003)
    t.expectSends({ rst: true })
    t.tcp.listen({ port: 80 })
    await t.end()
  })

  it('refuses the same place twice, but not another address or port', async () => {
    const t = new Script()
    const address = ip('10.0.0.1')
    t.tcp.listen({ port: 80 })
    t.tcp.listen({ port: 80, address })
    t.tcp.listen({ port: 81 })
    t.tcp.listen({ port: 'any' })
    for (const on of [{ port: 80 }, { port: 80, address: ip('10.0.0.1') }, { port: 'any' as const }])
      expect(() => t.tcp.listen(on)).toThrow(expect.objectContaining({ code: 'ERR_TCP_PORT_IN_USE' }))
    expect(() => t.tcp.listen({ port: 70000 })).toThrow(RangeError)
    await t.end()
  })

  it('the most exact listener gets the connection', async () => {
    const t = new Script()
    const got: string[] = []
    const note = (name: string) => (flow: TcpFlow) => {
      got.push(name)
      flow.abort()
    }
    t.tcp.listen({ port: 'any' }, note('any port'))
    t.tcp.listen({ port: 'any', address: t.ip.address }, note('this address'))
    t.tcp.listen({ port: 80 }, note('this port'))
    t.tcp.listen({ port: 80, address: t.ip.address }, note('this address and port'))
    for (const [ourPort, address] of [
      [80, '10.0.0.1'],
      [81, '10.0.0.1'],
      [80, '192.0.2.1'],
      [81, '192.0.2.1'],
    ] as const) {
      t.ourPort = ourPort
      t.peerPort++
      const dst = ip(address)
      const meta = { checksum: 'valid' } as never
      t.arrivesAs({ syn: true, seq: 0 }, { dst, meta })
      t.arrivesAs({ seq: 1, ack: 1 }, { dst, meta })
      await t.settle()
    }
    expect(got).toEqual(['this address and port', 'this address', 'this port', 'any port'])
    await t.end()
  })

  it('takes any port of any address, and answers from there (transparent proxies)', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 'any' })
    t.ourPort = 12345
    const dst = ip('203.0.113.9')
    t.arrivesAs({ syn: true, seq: 0 }, { dst, meta: { checksum: 'valid' } as never })
    expect(t.sent[0]!.src).toBe(dst)
    t.arrivesAs({ seq: 1, ack: 1 }, { dst, meta: { checksum: 'valid' } as never })
    const flow = await listener.accept()
    expect(flow.local).toEqual({ address: dst, port: 12345 })
    await t.end()
  })

  it('chooses a port where 0 is asked for', async () => {
    const t = new Script({ ephemeralPorts: [50_000, 50_001] })
    const ports = [t.tcp.listen({ port: 0 }).local.port, t.tcp.listen({ port: 0 }).local.port]
    expect(ports.sort()).toEqual([50_000, 50_001])
    expect(() => t.tcp.listen({ port: 0 })).toThrow(expect.objectContaining({ code: 'ERR_TCP_NO_PORT' }))
    await t.end()
  })

  it('MUST-41, MUST-42 does not disturb connections that use the port', async () => {
    const t = new Script()
    const pending = t.tcp.connect({ address: t.peer, port: 9, localPort: 80 }).catch(() => {})
    t.tcp.listen({ port: 80 })
    t.take()
    t.peerPort = 9
    await t.arrives({ syn: true, seq: 0, ack: 1 })
    t.expectSends({ seq: 1, ack: 1 })
    await pending
    await t.end()
  })

  it('hands down what was chosen for its flows', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80, trafficClass: 0x20, ttl: 9 })
    await syn(t, 1001)
    expect(t.history.at(-1)).toMatchObject({ trafficClass: 0x20, ttl: 9 })
    await t.end()
  })
})

describe('bounds of a listener', () => {
  it('of half-open connections the oldest gives way, without a word until its peer comes back', async () => {
    const t = new Script({ synBacklog: 3, synCookies: 'off' })
    t.tcp.listen({ port: 80 })
    for (let port = 1001; port <= 1003; port++) await syn(t, port)
    t.take()
    await syn(t, 1004)
    t.expectSends({ syn: true, ack: 1 })
    expect(
      t.tcp
        .connections()
        .map((c) => c.remote.port)
        .sort(),
    ).toEqual([1002, 1003, 1004])
    t.peerPort = 1001
    await t.arrives({ seq: 1, ack: 1 })
    t.expectSends({ rst: true, seq: 1 })
    await t.end()
  })

  it('a flood of SYNs holds no more than that, and honest peers get through', async () => {
    const t = new Script({ synBacklog: 100, synCookies: 'off' })
    const listener = t.tcp.listen({ port: 80 })
    const accepted: number[] = []
    void (async () => {
      for await (const flow of listener) accepted.push(flow.remote.port)
    })()
    for (let i = 0; i < 5000; i++) {
      t.peerPort = 1 + i
      await t.arrives({ syn: true, seq: 0 })
      if (i % 500 === 50) {
        // Ninety SYNs later the honest peer's ACK comes.
        for (let k = 0; k < 90; k++) {
          t.peerPort = 20_000 + i + k
          await t.arrives({ syn: true, seq: 0 })
        }
        t.peerPort = 1 + i
        await t.arrives({ seq: 1, ack: 1 })
      }
      expect(t.tcp.connections().length).toBeLessThanOrEqual(100 + accepted.length + 1)
    }
    expect(accepted.length).toBe(10)
    await t.end()
  })

  it('flows that nobody accepts fill the backlog: no SYN is answered, no handshake finished until there is room', async () => {
    const t = new Script({ backlog: 2 })
    const listener = t.tcp.listen({ port: 80 })
    await open(t, 1001)
    await syn(t, 1002)
    await syn(t, 1003)
    t.peerPort = 1002
    await t.arrives({ seq: 1, ack: 1 })
    t.take()
    t.peerPort = 1003
    await t.arrives({ seq: 1, ack: 1 })
    await syn(t, 1004)
    t.expectSends()
    expect(t.tcp.stats.dropped['backlog-full']).toBe(2)
    expect(t.states()).toEqual(['ESTABLISHED', 'ESTABLISHED', 'SYN-RECEIVED'])
    expect((await listener.accept()).remote.port).toBe(1001)
    // Our SYN,ACK comes again and brings another ACK.
    await t.advance(1000)
    expect(t.take()).toMatchObject([{ syn: true, ack: 1 }])
    t.peerPort = 1003
    await t.arrives({ seq: 1, ack: 1, data: 'x' })
    expect((await listener.accept()).remote.port).toBe(1002)
    expect((await listener.accept()).remote.port).toBe(1003)
    await t.end()
  })

  it('a connection that dies before it is accepted is accepted dead', async () => {
    const t = new Script()
    const listener = t.tcp.listen({ port: 80 })
    await open(t, 1001)
    await t.arrives({ rst: true, seq: 1 })
    const flow = await listener.accept()
    await expect(flow.read()).rejects.toMatchObject({ code: 'ERR_TCP_RESET' })
    await t.end()
  })
})

describe('bounds of the whole', () => {
  it('maxConnections refuses further ones, but connections in TIME-WAIT give way', async () => {
    const t = new Script({ maxConnections: 2 })
    const listener = t.tcp.listen({ port: 80 })
    await open(t, 1001)
    await open(t, 1002)
    t.take()
    await syn(t, 1003)
    t.expectSends()
    expect(t.tcp.stats.dropped['connection-limit']).toBe(1)
    await expect(t.tcp.connect({ address: t.peer, port: 9 })).rejects.toMatchObject({ code: 'ERR_TCP_LIMIT' })
    const flow = await listener.accept()
    t.peerPort = 1001
    await flow.shutdown()
    await t.arrives({ fin: true, seq: 1, ack: 2 })
    expect(t.states().sort()).toEqual(['ESTABLISHED', 'TIME-WAIT'])
    await open(t, 1003)
    expect(t.states().sort()).toEqual(['ESTABLISHED', 'ESTABLISHED'])
    await t.end()
  })

  it('timeWaitLimit lets the oldest go', async () => {
    const t = new Script({ timeWaitLimit: 2 })
    const listener = t.tcp.listen({ port: 80 })
    for (let port = 1001; port <= 1004; port++) {
      await open(t, port)
      const flow = await listener.accept()
      await flow.shutdown()
      await t.arrives({ fin: true, seq: 1, ack: 2 })
    }
    expect(
      t.tcp
        .connections()
        .map((c) => c.remote.port)
        .sort(),
    ).toEqual([1003, 1004])
    await t.end()
  })

  it('ephemeral ports run out with an error, after each was tried once', async () => {
    const t = new Script({ ephemeralPorts: [50_000, 50_009] })
    const flows = Array.from({ length: 10 }, () => t.tcp.connect({ address: t.peer, port: 9 }))
    for (const f of flows) f.catch(() => {})
    expect(new Set(t.history.map((p) => (p.bytes[0]! << 8) | p.bytes[1]!)).size).toBe(10)
    await expect(t.tcp.connect({ address: t.peer, port: 9 })).rejects.toMatchObject({ code: 'ERR_TCP_NO_PORT' })
    // Another peer, another pair of endpoints: the same ports again.
    t.tcp.connect({ address: t.peer, port: 10 }).catch(() => {})
    expect(t.states().length).toBe(11)
    await t.end()
  })

  it('nonsense for options throws', () => {
    for (const options of [
      { delayedAckMs: 500 },
      { synTimeoutMs: 1000 },
      { maxRtoMs: 10 },
      { ephemeralPorts: [9, 8] as const },
    ])
      expect(() => new Script(options)).toThrow(RangeError)
  })
})
