import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { duplexPair as plainPair } from 'node:stream'
import tls from 'node:tls'
import { endpoint } from '@fata/addr'
import { createFlowPair, readAll } from '@fata/flow'
import { suite } from '@fata/flow/conformance'
import { type DuplexFlow, fromDuplex, toDuplex } from '@fata/node'
import { describe, expect, it } from 'vitest'
import { connectTo, duplexPair, idle, pattern } from './support.ts'

const key = readFileSync(new URL('fixtures/key.pem', import.meta.url))
const cert = readFileSync(new URL('fixtures/cert.pem', import.meta.url))

describe('a flow as a stream as a flow', () => {
  suite({
    describe,
    it,
    create() {
      const { a, b } = createFlowPair()
      return { a: fromDuplex(toDuplex(a)), b: fromDuplex(toDuplex(b)) }
    },
  })
})

/** A client and a server in TLS over two flows. */
async function tlsPair(): Promise<{ a: DuplexFlow; b: DuplexFlow }> {
  const server = tls.createServer({ key, cert, allowHalfOpen: true })
  const accepted = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>
  const socket = connectTo(server, { allowHalfOpen: true })
  const client = tls.connect({ socket, ca: cert, servername: 'fata.test' })
  await once(client, 'secureConnect')
  return { a: fromDuplex(client), b: fromDuplex((await accepted)[0]) }
}

describe('TLS over a flow as a flow', () => {
  // TLS has no reset, and Node gives a TLSSocket over a stream none.
  suite({ describe, it, create: tlsPair, supports: { reset: false } })
})

describe('fromDuplex', () => {
  it('knows the endpoints of a socket', () => {
    const { client } = duplexPair()
    const flow = fromDuplex(client)
    expect([flow.local, flow.remote]).toEqual([endpoint('10.0.0.1:50000'), endpoint('10.0.0.2:80')])
    expect(toDuplex(flow).remoteAddress).toBe('10.0.0.2')
    const bare = fromDuplex(plainPair()[0])
    expect([bare.local, bare.remote]).toEqual([undefined, undefined])
  })

  it('carries TLS over a flow, as a flow', async () => {
    const server = tls.createServer({ key, cert, allowHalfOpen: true })
    const accepted = once(server, 'secureConnection') as Promise<[tls.TLSSocket]>
    const socket = connectTo(server, { allowHalfOpen: true })
    const client = fromDuplex(tls.connect({ socket, ca: cert, servername: 'fata.test' }))
    const bytes = pattern(300_000)
    const sent = client.write(new Uint8Array(bytes)).then(() => client.shutdown())
    const peer = fromDuplex((await accepted)[0])
    expect(Buffer.compare(await readAll(peer), bytes)).toBe(0)
    await sent
    await peer.write(new Uint8Array([1, 2, 3]))
    await peer.close()
    expect(await readAll(client)).toEqual(Uint8Array.of(1, 2, 3))
    await client.close()
  })

  it('fails with the error of the stream, after what had come', async () => {
    const [stream, other] = plainPair()
    const flow = fromDuplex(stream)
    other.write('last words')
    await idle()
    const error = Object.assign(new Error('cut'), { code: 'ECONNRESET' })
    stream.destroy(error)
    await idle()
    expect(String(Buffer.from((await flow.read()) ?? []))).toBe('last words')
    await expect(flow.read()).rejects.toBe(error)
    await expect(flow.write(Uint8Array.of(1))).rejects.toBe(error)
    await flow.close()
  })

  it('fails where the stream is destroyed without an error', async () => {
    const [stream] = plainPair()
    const flow = fromDuplex(stream)
    const read = flow.read()
    stream.destroy()
    await expect(read).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
  })
})
