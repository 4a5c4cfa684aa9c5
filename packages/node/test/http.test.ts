import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import tls from 'node:tls'
import type { FlowDuplex } from '@fata/node'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closed, connectTo, idle, pattern, readToEnd } from './support.ts'

const key = readFileSync(new URL('fixtures/key.pem', import.meta.url))
const cert = readFileSync(new URL('fixtures/cert.pem', import.meta.url))
const LARGE = 3_000_000

/** An agent whose connections lead to `server`, and the connections that it made. */
function agentFor(server: http.Server, options: http.AgentOptions = {}): { agent: http.Agent; sockets: FlowDuplex[] } {
  const sockets: FlowDuplex[] = []
  class MemoryAgent extends http.Agent {
    override createConnection(): FlowDuplex {
      const socket = connectTo(server)
      sockets.push(socket)
      return socket
    }
  }
  return { agent: new MemoryAgent(options), sockets }
}

interface Answer {
  readonly status: number | undefined
  readonly body: Buffer
}

async function request(agent: http.Agent, options: http.RequestOptions = {}, body?: Readable): Promise<Answer> {
  const req = http.request({ host: 'fata.test', agent, ...options })
  const answered = once(req, 'response') as Promise<[http.IncomingMessage]>
  if (body === undefined) req.end()
  else await pipeline(body, req)
  const [res] = await answered
  return { status: res.statusCode, body: await readToEnd(res) }
}

function chunksOf(bytes: Buffer, length: number): Readable {
  return Readable.from(
    (function* () {
      for (let i = 0; i < bytes.length; i += length) yield bytes.subarray(i, i + length)
    })(),
  )
}

describe('node:http', () => {
  it('serves many requests over one kept connection', async () => {
    const server = http.createServer((req, res) => res.end(`${req.socket.remoteAddress} asks for ${req.url}`))
    const { agent, sockets } = agentFor(server, { keepAlive: true, maxSockets: 1 })
    const answers = await Promise.all(['/1', '/2', '/3'].map((path) => request(agent, { path })))
    expect(answers.map(({ body }) => String(body))).toEqual(['/1', '/2', '/3'].map((p) => `10.0.0.1 asks for ${p}`))
    expect(sockets.length).toBe(1)
    agent.destroy()
    await closed(sockets[0]!)
  })

  it('closes the connection without keep-alive', async () => {
    const server = http.createServer((_, res) => res.end('bye'))
    const { agent, sockets } = agentFor(server)
    expect(String((await request(agent)).body)).toBe('bye')
    await closed(sockets[0]!)
    expect(String((await request(agent)).body)).toBe('bye')
    expect(sockets.length).toBe(2)
  })

  it('uploads and downloads with back-pressure', async () => {
    const bytes = pattern(LARGE)
    const server = http.createServer((req, res) => {
      void readToEnd(req).then((body) => pipeline(chunksOf(body, 50_000), res))
    })
    const { agent } = agentFor(server)
    const { status, body } = await request(agent, { method: 'POST' }, chunksOf(bytes, 30_000))
    expect([status, body.equals(bytes)]).toEqual([200, true])
  })

  it('echoes while it receives', async () => {
    const bytes = pattern(LARGE)
    const server = http.createServer((req, res) => void req.pipe(res))
    const { agent } = agentFor(server)
    const req = http.request({ host: 'fata.test', agent, method: 'POST' })
    const answered = once(req, 'response') as Promise<[http.IncomingMessage]>
    const sent = pipeline(chunksOf(bytes, 64_000), req)
    const [res] = await answered
    expect((await readToEnd(res)).equals(bytes)).toBe(true)
    await sent
  })

  it('lets the server hold a fast client back', async () => {
    let received = 0
    const server = http.createServer((req) => {
      req.once('data', (chunk) => {
        received += chunk.length
        req.pause()
      })
    })
    const { agent, sockets } = agentFor(server)
    const req = http.request({ host: 'fata.test', agent, method: 'POST' })
    req.on('error', () => {})
    let made = 0
    const source = Readable.from(
      (function* () {
        for (; made < 10_000_000; made += 10_000) yield Buffer.alloc(10_000)
      })(),
    )
    source.pipe(req)
    await idle()
    await idle()
    expect(received).toBeGreaterThan(0)
    expect(made).toBeLessThan(1_000_000)
    req.destroy()
    await closed(sockets[0]!)
  })

  it('reports the abort of the server as a reset', async () => {
    const server = http.createServer((_, res) => (res.socket as FlowDuplex | null)?.resetAndDestroy())
    const { agent } = agentFor(server)
    await expect(request(agent)).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('reports a server that hangs up', async () => {
    const server = http.createServer((_, res) => void res.socket?.destroy())
    const { agent } = agentFor(server)
    await expect(request(agent)).rejects.toMatchObject({ code: 'ECONNRESET', message: 'socket hang up' })
  })

  it('tells the server that the client has gone', async () => {
    const server = http.createServer()
    const { agent } = agentFor(server)
    const arrived = once(server, 'request') as Promise<[http.IncomingMessage, http.ServerResponse]>
    const req = http.request({ host: 'fata.test', agent })
    req.on('error', () => {})
    req.end()
    const [, res] = await arrived
    const gone = once(res, 'close')
    req.destroy()
    await gone
    expect(res.writableFinished).toBe(false)
  })

  it('upgrades a connection', async () => {
    const server = http.createServer()
    server.on('upgrade', (_, socket: FlowDuplex) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      socket.pipe(socket)
    })
    const { agent } = agentFor(server)
    const req = http.request({ host: 'fata.test', agent, headers: { Connection: 'Upgrade', Upgrade: 'echo' } })
    req.end()
    const [, socket] = (await once(req, 'upgrade')) as [http.IncomingMessage, FlowDuplex]
    socket.write('hello')
    expect(String((await once(socket, 'data'))[0])).toBe('hello')
    socket.end()
    await closed(socket)
  })

  it('closes all connections', async () => {
    const server = http.createServer((_, res) => res.end())
    // What makes a server keep its connections in a list, and look after their time-outs.
    server.emit('listening')
    const { agent, sockets } = agentFor(server, { keepAlive: true })
    await request(agent)
    expect(sockets[0]!.destroyed).toBe(false)
    server.closeAllConnections()
    await closed(sockets[0]!)
    server.close()
  })
})

describe('time-outs of node:http', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  it('reach the request', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const server = http.createServer(() => {})
    const { agent, sockets } = agentFor(server)
    const req = http.request({ host: 'fata.test', agent, timeout: 60_000 })
    req.on('error', () => {})
    const timedOut = once(req, 'timeout')
    req.end()
    await idle()
    vi.advanceTimersByTime(60_000)
    await timedOut
    req.destroy()
    await closed(sockets[0]!)
  })

  it('end idle connections of the server', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const server = http.createServer((_, res) => res.end())
    server.keepAliveTimeout = 5000
    const { agent, sockets } = agentFor(server, { keepAlive: true })
    await request(agent)
    await idle()
    vi.advanceTimersByTime(4000)
    await idle()
    expect(sockets[0]!.destroyed).toBe(false)
    vi.advanceTimersByTime(3000)
    await closed(sockets[0]!)
  })
})

describe('node:tls', () => {
  it('runs over the stream, in both roles', async () => {
    const server = tls.createServer({ key, cert }, (socket) => socket.pipe(socket))
    // The echo goes on after the client has ended, below TLS, too.
    const raw = connectTo(server, { allowHalfOpen: true })
    const client = tls.connect({ socket: raw, ca: cert, servername: 'fata.test' })
    await once(client, 'secureConnect')
    expect(client.authorized).toBe(true)
    const bytes = pattern(500_000)
    client.end(bytes)
    expect((await readToEnd(client)).equals(bytes)).toBe(true)
    await closed(raw)
  })

  it('refuses a certificate that it does not trust', async () => {
    const server = tls.createServer({ key, cert })
    server.on('tlsClientError', () => {})
    const raw = connectTo(server)
    const client = tls.connect({ socket: raw, servername: 'fata.test' })
    await expect(once(client, 'secureConnect')).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
    await closed(raw)
  })

  it('carries https', async () => {
    const server = https.createServer({ key, cert }, (req, res) => res.end(`secret of ${req.url}`))
    const req = https.request({
      path: '/safe',
      host: 'fata.test',
      createConnection: () => tls.connect({ socket: connectTo(server), ca: cert, servername: 'fata.test' }),
    })
    req.end()
    const [res] = (await once(req, 'response')) as [http.IncomingMessage]
    expect(String(await readToEnd(res))).toBe('secret of /safe')
  })
})

describe('node:http2', () => {
  const bodies = [pattern(400_000), pattern(10), pattern(100_000)]

  /** Sends all bodies at once; whether each came back unchanged. */
  async function exchange(session: http2.ClientHttp2Session): Promise<boolean[]> {
    const answers = bodies.map(async (body) => {
      const stream = session.request({ ':method': 'POST', ':path': '/' })
      stream.end(body)
      return (await readToEnd(stream)).equals(body)
    })
    return Promise.all(answers)
  }

  it('multiplexes streams in clear text', async () => {
    const server = http2.createServer()
    server.on('stream', (stream) => {
      stream.respond()
      stream.pipe(stream)
    })
    const socket = connectTo(server)
    const session = http2.connect('http://fata.test', { createConnection: () => socket })
    expect(await exchange(session)).toEqual([true, true, true])
    session.close()
    await closed(socket)
  })

  it('multiplexes streams over TLS', async () => {
    const server = http2.createSecureServer({ key, cert })
    server.on('stream', (stream) => {
      stream.respond()
      stream.pipe(stream)
    })
    const socket = connectTo(server)
    const session = http2.connect('https://fata.test', {
      createConnection: () => tls.connect({ socket, ca: cert, servername: 'fata.test', ALPNProtocols: ['h2'] }),
    })
    expect(await exchange(session)).toEqual([true, true, true])
    session.close()
    await closed(socket)
  })
})
