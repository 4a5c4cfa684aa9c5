// What every stack keeps to, whatever carries it.
import { type IpAddress, ip } from '@fata/addr'
import type { Stack } from '@fata/stack'
import { describe, expect, it } from 'vitest'

/** Two stacks that reach each other. */
export interface StackPair {
  readonly a: Stack
  readonly b: Stack
  /** `b`'s address of a family, as `a` reaches it. */
  address(family: 4 | 6): IpAddress
  /** Lets time pass until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>
  close(): Promise<void>
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (chunk: Uint8Array | null): string | null => chunk && new TextDecoder().decode(chunk)
const code = (expected: string) => expect.objectContaining({ code: expected })

/** Declares one test per rule and family. */
export function stackRules(name: string, create: () => Promise<StackPair>): void {
  const rule = (what: string, run: (pair: StackPair, family: 4 | 6) => Promise<void>): void => {
    it.each([4, 6] as const)(`${what} (IPv%i)`, async (family) => {
      const pair = await create()
      try {
        await pair.settle(run(pair, family))
      } finally {
        await pair.close()
      }
    })
  }

  const connected = async ({ a, b, address }: StackPair, family: 4 | 6) => {
    const listener = b.tcp.listen({ port: 0 })
    await listener.ready
    const to = { address: address(family), port: listener.local.port as number }
    const [client, server] = await Promise.all([a.tcp.connect(to), listener.accept()])
    return { listener, client, server, to }
  }

  describe(`${name}: TCP`, () => {
    rule('ends its directions one by one', async (pair, family) => {
      const { client, server, to } = await connected(pair, family)
      expect(client.remote).toEqual(to)
      expect(server.local.port).toBe(to.port)
      await client.write(bytes('question'))
      await client.shutdown()
      expect(text(await server.read())).toBe('question')
      expect(await server.read()).toBeNull()
      await server.write(bytes('answer'))
      await server.shutdown()
      expect(text(await client.read({ most: 3 }))).toBe('ans')
      expect(text(client.peek(2))).toBe('we')
      expect(text(await client.read())).toBe('wer')
      expect(await client.read()).toBeNull()
      await Promise.all([client.close(), server.close()])
    })

    rule('resets what is aborted', async (pair, family) => {
      const { client, server } = await connected(pair, family)
      const reading = server.read()
      client.abort()
      await expect(reading).rejects.toEqual(code('ERR_TCP_RESET'))
      await expect(client.read()).rejects.toEqual(code('ERR_TCP_ABORTED'))
      await expect(server.write(bytes('late'))).rejects.toEqual(code('ERR_TCP_RESET'))
    })

    rule('makes writers wait for a reader, and loses nothing', async (pair, family) => {
      const { client, server } = await connected(pair, family)
      const chunk = new Uint8Array(1_000_000).fill(7)
      let written = 0
      const writing = (async () => {
        for (; written < 40; written++) await client.write(chunk.slice())
        await client.close()
      })()
      let received = 0
      for await (const part of server) {
        // What is buffered on the way: 32 MB would be no back-pressure at all.
        if (received === 0) expect(written).toBeLessThan(32)
        received += part.length
      }
      await writing
      expect(received).toBe(40_000_000)
      await server.close()
    })

    rule('says that nobody listens, that a port is taken, that it is closed', async (pair, family) => {
      const { listener, to } = await connected(pair, family)
      const again = async (): Promise<void> => pair.b.tcp.listen({ port: to.port }).ready
      await expect(again()).rejects.toEqual(code('ERR_TCP_PORT_IN_USE'))
      const accepting = listener.accept()
      await listener.close()
      await expect(accepting).rejects.toEqual(code('ERR_TCP_CLOSED'))
      await expect(pair.a.tcp.connect(to)).rejects.toEqual(code('ERR_TCP_REFUSED'))
      await pair.a.tcp.close()
      await expect(pair.a.tcp.connect(to)).rejects.toEqual(code('ERR_TCP_CLOSED'))
    })

    rule('gives up when it is told to', async (pair, family) => {
      const { listener, to } = await connected(pair, family)
      const abort = new AbortController()
      const accepting = listener.accept({ signal: abort.signal })
      const connecting = pair.a.tcp.connect(to, { signal: AbortSignal.abort(new Error('enough')) })
      await expect(connecting).rejects.toThrow('enough')
      abort.abort(new Error('enough'))
      await expect(accepting).rejects.toThrow('enough')
    })

    rule('aborts a flow whose handler fails, and knows the others', async ({ a, b, address }, family) => {
      const listener = b.tcp.listen({ port: 0 }, async (flow) => {
        if (text(await flow.read()) === 'bad') throw new Error('no')
      })
      await listener.ready
      const to = { address: address(family), port: listener.local.port as number }
      const [good, bad] = await Promise.all([a.tcp.connect(to), a.tcp.connect(to)])
      expect(a.tcp.connections().filter(({ state }) => state === 'ESTABLISHED')).toHaveLength(2)
      await Promise.all([good.write(bytes('good')), bad.write(bytes('bad'))])
      await expect(bad.read()).rejects.toEqual(code('ERR_TCP_RESET'))
      await good.close()
    })

    rule('finds the one that answers among several addresses', async (pair, family) => {
      const { to } = await connected(pair, family)
      const flow = await pair.a.connect([to.address], to.port)
      expect(flow.remote).toEqual(to)
      expect(() => pair.a.connect('', 80)).toThrow(TypeError)
      flow.abort()
    })
  })

  describe(`${name}: UDP`, () => {
    const bound = ({ a, b, address }: StackPair, family: 4 | 6) => {
      const server = b.udp.bind({ port: 0 })
      const to = { address: address(family), port: server.port as number }
      return { client: a.udp.bind({ remote: to }), server, to }
    }

    rule('carries datagrams there and back, empty and long ones', async (pair, family) => {
      const { client, server } = bound(pair, family)
      for (const length of [0, 1, 1472, 9000]) {
        client.send(new Uint8Array(length).fill(length))
        const { data, src } = await server.receive()
        expect(data).toEqual(new Uint8Array(length).fill(length))
        expect(src.port).toBe(client.port)
        server.write(src, 2, (buf, off) => {
          buf[off] = 1
          return 1
        })
        expect([...(await client.receive()).data]).toEqual([1])
      }
      expect(client.stats).toMatchObject({ txDatagrams: 4, rxDatagrams: 4 })
    })

    rule('hands datagrams to a handler within the call', async (pair, family) => {
      const { client, server } = bound(pair, family)
      const heard = new Promise<string>((resolve) => {
        server.onMessage = (buf, off, end) => resolve(text(buf.slice(off, end))!)
      })
      client.send(bytes('hello'))
      expect(await heard).toBe('hello')
    })

    rule('says what cannot be', async (pair, family) => {
      const { client, server, to } = bound(pair, family)
      expect(() => client.send(new Uint8Array(65_528))).toThrow(code('ERR_UDP_TOO_LONG'))
      expect(() => pair.b.udp.bind({ port: to.port })).toThrow(code('ERR_UDP_PORT_IN_USE'))
      expect(() => pair.b.udp.bind().send(new Uint8Array(1))).toThrow(TypeError)
      expect(() => pair.b.udp.bind({ port: 65_536 })).toThrow(RangeError)
      expect(() => pair.a.udp.bind({ address: ip(family === 4 ? '192.0.2.7' : '2001:db8::7') })).toThrow(
        code('ERR_UDP_NO_ADDRESS'),
      )
      await server.close()
      const receiving = client.receive()
      client.send(bytes('anybody?'))
      await expect(receiving).rejects.toEqual(code('ERR_UDP_REFUSED'))
      await client.close()
      expect(() => client.send(bytes('late'))).toThrow(code('ERR_UDP_CLOSED'))
      await expect(client.receive()).rejects.toEqual(code('ERR_UDP_CLOSED'))
    })
  })

  describe(`${name}: the whole`, () => {
    rule('ends everything at once, as often as it is closed', async (pair, family) => {
      const { client, server } = await connected(pair, family)
      const socket = pair.a.udp.bind()
      const iterated = (async () => {
        for await (const _ of socket);
        return 'ended'
      })()
      const reading = client.read().catch((error: { code: string }) => error.code)
      await pair.a.close()
      await pair.a.close()
      expect(await reading).toBe('ERR_TCP_CLOSED')
      await expect(server.read()).rejects.toEqual(code('ERR_TCP_RESET'))
      expect(await iterated).toBe('ended')
      await expect(pair.a.resolver.lookup('www.test')).rejects.toEqual(code('ERR_DNS_CLOSED'))
    })
  })
}
