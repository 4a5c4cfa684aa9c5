import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createFlowPair, readAll } from '@fata/flow'
import { type DuplexSource, toDuplex } from '@fata/node'
import { describe, expect, it } from 'vitest'
import { closed, duplexPair, idle, noteEvents, pattern, readToEnd, withEndpoints } from './support.ts'

describe('bytes', () => {
  it('go both ways and are counted', async () => {
    const { client, server } = duplexPair({ allowHalfOpen: true })
    client.end('request')
    expect(String(await readToEnd(server))).toBe('request')
    server.end(Buffer.from('answer!'))
    expect(String(await readToEnd(client))).toBe('answer!')
    expect([client.bytesWritten, server.bytesRead, server.bytesWritten, client.bytesRead]).toEqual([7, 7, 7, 7])
  })

  it('that wait count as written', async () => {
    const { client } = duplexPair({ bufferBytes: 1 })
    client.write('ab')
    client.write('cde')
    expect(client.bytesWritten).toBe(5)
    await idle()
    client.write('f')
    expect(client.bytesWritten).toBe(6)
  })

  it('may be overwritten once their callback has been called', async () => {
    const { client, server } = duplexPair()
    const small = Buffer.from('small')
    const large = pattern(200_000)
    const expected = Buffer.concat([small, large])
    await new Promise((resolve) => client.write(small, resolve))
    small.fill(0)
    client.cork()
    const written = new Promise((resolve) => client.write(large.subarray(0, 150_000), resolve))
    client.write(large.subarray(150_000))
    client.uncork()
    const received = readToEnd(server)
    await written
    large.fill(0)
    client.end()
    expect((await received).equals(expected)).toBe(true)
  })

  it('that are corked travel together', async () => {
    const { a, b } = createFlowPair()
    const client = toDuplex(a)
    client.cork()
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    client.write('body')
    client.uncork()
    expect(String(await b.read().then((chunk) => Buffer.from(chunk ?? [])))).toBe('HTTP/1.1 200 OK\r\n\r\nbody')
  })

  it('reach the flow as plain arrays of their own', async () => {
    const { a, b } = createFlowPair()
    toDuplex(a).write('text')
    const chunk = await b.read()
    expect(Buffer.isBuffer(chunk)).toBe(false)
    expect(chunk?.slice().buffer.byteLength).toBe(4)
  })

  it('wait for the reader', async () => {
    const { client, server } = duplexPair({ bufferBytes: 10_000 })
    let made = 0
    const source = Readable.from(
      (function* () {
        for (; made < 5_000_000; made += 10_000) yield Buffer.alloc(10_000)
      })(),
    )
    const sent = pipeline(source, client)
    await idle()
    expect(made).toBeGreaterThan(100_000)
    expect(made).toBeLessThan(500_000)
    let received = 0
    for await (const chunk of server) received += chunk.length
    await sent
    expect(received).toBe(5_000_000)
  })
})

describe('ends', () => {
  it('end the stream, as with net.Socket', async () => {
    const { client, server, b } = duplexPair()
    const events = noteEvents(client, 'end', 'finish', 'close', 'error')
    server.end('last')
    expect(String(await readToEnd(client))).toBe('last')
    await closed(client)
    expect(events).toEqual(['end', 'finish', 'close false'])
    expect(await b.read()).toBeNull()
  })

  it('end the stream also while nobody listens to it', async () => {
    const { client, server } = duplexPair()
    server.end()
    await closed(client)
    expect(client.readyState).toBe('closed')
  })

  it('leave the other direction open with allowHalfOpen', async () => {
    const { client, server } = duplexPair({ allowHalfOpen: true })
    expect([client.allowHalfOpen, client.readyState]).toEqual([true, 'open'])
    client.end('request')
    await readToEnd(server)
    await idle()
    expect([client.readyState, server.readyState]).toEqual(['readOnly', 'writeOnly'])
    server.write('still ')
    server.end('here')
    expect(String(await readToEnd(client))).toBe('still here')
    await Promise.all([closed(client), closed(server)])
    expect([client.readyState, server.readyState]).toEqual(['closed', 'closed'])
  })

  it('send what was written before destroySoon', async () => {
    const { client, server } = duplexPair({ bufferBytes: 100 })
    const bytes = pattern(50_000)
    client.write(bytes)
    client.destroySoon()
    expect(client.destroyed).toBe(false)
    expect((await readToEnd(server)).equals(bytes)).toBe(true)
    await closed(client)
    client.destroySoon()
  })
})

describe('destroy', () => {
  it('sends what the flow was given, discards what comes, and reports no error', async () => {
    const { client, server, b } = duplexPair()
    const events = noteEvents(client, 'end', 'finish', 'close', 'error')
    await new Promise((resolve) => client.write('last words', resolve))
    client.destroy()
    await closed(client)
    expect(events).toEqual(['close false'])
    expect(String(await readToEnd(server))).toBe('last words')
    await expect(b.write(Uint8Array.of(1))).rejects.toMatchObject({ code: expect.any(String) })
  })

  it('with an error emits it, then close with true', async () => {
    const { client, server } = duplexPair()
    const events = noteEvents(client, 'close', 'error')
    client.destroy(Object.assign(new Error('mine'), { code: 'MINE' }))
    await closed(client)
    expect(events).toEqual(['error MINE', 'close true'])
    await closed(server)
  })

  it('on both sides at once is quiet', async () => {
    const { client, server } = duplexPair()
    const events = [client, server].map((stream) => noteEvents(stream, 'close', 'error'))
    client.write('x')
    server.write('y')
    client.destroy()
    server.destroy()
    await Promise.all([closed(client), closed(server)])
    await idle()
    expect(events).toEqual([['close false'], ['close false']])
  })

  it('resets by resetAndDestroy', async () => {
    const { client, server } = duplexPair()
    const events = [client, server].map((stream) => noteEvents(stream, 'close', 'error', 'end'))
    expect(client.resetAndDestroy()).toBe(client)
    client.resetAndDestroy()
    await Promise.all([closed(client), closed(server)])
    expect(events).toEqual([['close false'], ['error ECONNRESET', 'close true']])
  })
})

describe('failures', () => {
  it('are noticed while nobody reads or writes', async () => {
    const { a, b } = createFlowPair()
    const failed = once(toDuplex(a), 'error')
    b.abort()
    const [error] = await failed
    expect(error).toMatchObject({ code: 'ECONNRESET', syscall: 'read', message: 'read ECONNRESET' })
    expect(error.errno).toBeLessThan(0)
    expect(error.cause).toMatchObject({ code: 'ERR_FLOW_RESET' })
  })

  it('of a write reach its callback and the stream', async () => {
    const { a } = createFlowPair()
    const failing: DuplexSource = Object.assign(a, {
      write: () => Promise.reject(Object.assign(new Error('no answer'), { code: 'ERR_TCP_TIMEOUT' })),
    })
    const client = toDuplex(failing)
    const events = noteEvents(client, 'error', 'close')
    const error = await new Promise<Error | null | undefined>((resolve) => client.write('x', resolve))
    expect(error).toMatchObject({ code: 'ETIMEDOUT', syscall: 'write' })
    await closed(client)
    expect(events).toEqual(['error ETIMEDOUT', 'close true'])
  })

  it('of the shutdown reach the stream', async () => {
    const { a } = createFlowPair()
    const failing: DuplexSource = Object.assign(a, {
      shutdown: () => Promise.reject(Object.assign(new Error('gone'), { code: 'ERR_TCP_RESET' })),
    })
    const client = toDuplex(failing)
    const events = noteEvents(client, 'error', 'close', 'finish')
    client.end()
    await closed(client)
    expect(events).toEqual(['error ECONNRESET', 'close true'])
  })

  it('of a write after the end are EPIPE where the flow was ended behind the back of the stream', async () => {
    const { client, a } = duplexPair({ allowHalfOpen: true })
    await a.shutdown()
    const failed = once(client, 'error')
    client.write('x')
    expect((await failed)[0]).toMatchObject({ code: 'EPIPE', syscall: 'write' })
  })
})

describe('the shape of net.Socket', () => {
  it('has the endpoints of the flow', () => {
    const { a, b } = createFlowPair()
    const v4 = toDuplex(withEndpoints(a, '10.0.0.1:50000', '10.0.0.2:80'))
    const v6 = toDuplex(withEndpoints(b, '[fd00::1]:443', '[fe80::2%eth0]:50001'))
    expect(v4).toMatchObject({
      localAddress: '10.0.0.1',
      localPort: 50000,
      localFamily: 'IPv4',
      remoteAddress: '10.0.0.2',
      remotePort: 80,
      remoteFamily: 'IPv4',
    })
    expect(v6).toMatchObject({
      localAddress: 'fd00::1',
      localPort: 443,
      localFamily: 'IPv6',
      remoteAddress: 'fe80::2%eth0',
      remotePort: 50001,
      remoteFamily: 'IPv6',
    })
    expect(v4.address()).toEqual({ address: '10.0.0.1', family: 'IPv4', port: 50000 })
  })

  it("has no endpoints where the flow has none, and those of its options before the flow's", () => {
    const { a, b } = createFlowPair()
    const bare = toDuplex(a)
    expect([bare.localAddress, bare.remotePort, bare.remoteFamily, bare.address()]).toEqual([
      undefined,
      undefined,
      undefined,
      {},
    ])
    const { local, remote } = withEndpoints(createFlowPair().a, '192.0.2.1:1', '192.0.2.2:2')
    const named = toDuplex(withEndpoints(b, '10.0.0.1:3', '10.0.0.2:4'), { local, remote })
    expect([named.localPort, named.remotePort]).toEqual([1, 2])
  })

  it('is connected, and says so when connect is called', async () => {
    const { client } = duplexPair()
    expect([client.connecting, client.pending, client.readyState]).toEqual([false, false, 'open'])
    const events = noteEvents(client, 'connect', 'ready')
    let called = 0
    expect(client.connect(5432, 'db', () => called++)).toBe(client)
    expect([client.connecting, client.pending, client.readyState, events.length]).toEqual([true, true, 'opening', 0])
    await idle()
    expect([events, called, client.connecting]).toEqual([['connect', 'ready'], 1, false])
  })

  it('emits no connect after destroy', async () => {
    const { client } = duplexPair()
    const events = noteEvents(client, 'connect', 'close')
    client.connect()
    client.destroy()
    await idle()
    expect(events).toEqual(['close false'])
  })

  it('takes every call that libraries make, and returns itself', () => {
    const { client } = duplexPair()
    expect(client.setNoDelay().setNoDelay(false).setKeepAlive(true, 1000).setKeepAlive().ref().unref()).toBe(client)
  })

  it('configures a flow that can be configured', () => {
    const { a } = createFlowPair()
    const calls: unknown[] = []
    const client = toDuplex(Object.assign(a, { configure: (options: object) => calls.push(options) }) as DuplexSource)
    client.setNoDelay().setNoDelay(false).setKeepAlive(true, 5000).setKeepAlive(true).setKeepAlive(false, 5000)
    expect(calls).toEqual([
      { noDelay: true },
      { noDelay: false },
      { keepalive: { idleMs: 5000 } },
      { keepalive: true },
      { keepalive: false },
    ])
  })

  it('is a stream that Web Streams and async iteration understand', async () => {
    const { a, b } = createFlowPair()
    const client = toDuplex(a)
    const { readable, writable } = await import('node:stream').then(({ Duplex }) => Duplex.toWeb(client))
    const writer = writable.getWriter()
    await writer.write(Buffer.from('over '))
    await writer.write(Buffer.from('streams'))
    const echoed = readAll(b).then(async (bytes) => {
      await b.write(bytes)
      await b.shutdown()
    })
    // A Duplex is not half-open by default; the answer comes first here.
    await b.write(Uint8Array.of(0x21))
    expect((await readable.getReader().read()).value).toEqual(Uint8Array.of(0x21))
    await writer.close()
    await echoed.catch(() => {})
  })
})
