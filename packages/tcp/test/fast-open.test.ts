import type { Ipv4 } from '@fata/addr'
import { ip } from '@fata/addr'
import { seededRandom } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { FastOpenCookies } from '../src/core/fast-open-cookies.ts'
import type { TcpFlow } from '../src/index.ts'
import { Pair } from './support/pair.ts'
import { bytesOf, readText, Script, textOf } from './support/script.ts'

const COOKIE = 'chocolat'
const SYN_ACK = { syn: true, seq: 0, ack: 1, mss: 1460 }

describe('fast open, the client (RFC 7413 §4.2)', () => {
  /** The peer has given a cookie, and the connection of that is over. */
  async function acquainted() {
    const t = new Script()
    const promise = t.connectStart({ fastOpen: true, data: bytesOf('first') })
    t.expectSends({ syn: true, fastOpen: '', length: 0 })
    await t.arrives({ ...SYN_ACK, fastOpen: COOKIE })
    const flow = await promise
    t.expectSends({ seq: 1, ack: 1, data: 'first' })
    flow.abort()
    await t.settle()
    t.take()
    return t
  }

  it('§4.1.2: asks for a cookie, and sends the data behind the handshake', async () => {
    const t = await acquainted()
    await t.end()
  })

  it('§4.2.2: with the cookie the SYN carries the data', async () => {
    const t = await acquainted()
    const promise = t.connectStart({ fastOpen: true, data: bytesOf('hello') })
    t.expectSends({ syn: true, seq: 0, ack: undefined, data: 'hello', fastOpen: COOKIE })
    await t.arrives({ ...SYN_ACK, ack: 6 })
    t.expectSends({ seq: 6, ack: 1, length: 0 })
    const flow = await promise
    expect(flow.info()).toMatchObject({ unackedBytes: 0, bytesAcked: 5, retransmits: 0 })
    await flow.write(bytesOf('more'))
    await t.settle()
    t.expectSends({ seq: 6, data: 'more' })
    await t.end()
  })

  it('§4.2.2: what the SYN,ACK does not acknowledge goes again at once', async () => {
    const t = await acquainted()
    const promise = t.connectStart({ fastOpen: true, data: bytesOf('hello') })
    t.take()
    await t.arrives({ ...SYN_ACK, ack: 3 })
    t.expectSends({ seq: 3, ack: 1, data: 'llo' })
    await promise
    await t.arrives({ seq: 1, ack: 6 })
    await t.end()
  })

  it('§4.1.3: no more than fits into one segment as it was known, the rest behind the handshake', async () => {
    const t = await acquainted()
    const promise = t.connectStart({ fastOpen: true, data: new Uint8Array(3000) })
    // MSS 4, cookie 10, padding 2.
    t.expectSends({ syn: true, length: 1460 - 16 })
    await t.arrives({ ...SYN_ACK, ack: 1445 })
    expect(t.take().reduce((sum, s) => sum + s.length, 0)).toBe(3000 - 1444)
    await promise
    await t.end()
  })

  it('§4.1.3.1: a SYN that is lost goes again without data or option, and the peer is spared for an hour', async () => {
    const t = await acquainted()
    const promise = t.connectStart({ fastOpen: true, data: bytesOf('hello') })
    t.take()
    await t.advance(1000)
    t.expectSends({ syn: true, seq: 0, length: 0, fastOpen: undefined })
    await t.arrives(SYN_ACK)
    t.expectSends({ seq: 1, data: 'hello' })
    ;(await promise).abort()
    await t.settle()
    t.take()
    void t.connectStart({ fastOpen: true, data: bytesOf('x') })
    t.expectSends({ syn: true, length: 0, fastOpen: undefined })
    await t.advance(3_600_000)
    t.take()
    void t.connectStart({ fastOpen: true, data: bytesOf('x') })
    t.expectSends({ syn: true, data: 'x', fastOpen: COOKIE })
    await t.end()
  })

  it('a refusal loses nothing but the data', async () => {
    const t = await acquainted()
    const promise = t.connectStart({ fastOpen: true, data: bytesOf('hello') })
    await t.arrives({ rst: true, seq: 0, ack: 6 })
    await expect(promise).rejects.toMatchObject({ code: 'ERR_TCP_REFUSED' })
    await t.end()
  })

  it('data without fast open follows the handshake', async () => {
    const t = new Script()
    const promise = t.connectStart({ data: bytesOf('hello') })
    t.expectSends({ syn: true, length: 0, fastOpen: undefined })
    await t.arrives(SYN_ACK)
    t.expectSends({ seq: 1, ack: 1, data: 'hello' })
    await promise
    await t.end()
  })
})

describe('fast open, the server (RFC 7413 §4.2.2)', () => {
  async function serving(fastOpen = 10) {
    const t = new Script()
    const flows: TcpFlow[] = []
    t.tcp.listen({ port: 80, fastOpen }, (flow) => void flows.push(flow))
    await t.arrives({ syn: true, seq: 0, mss: 1460, fastOpen: '' })
    const [synAck] = t.expectSends({ syn: true, seq: 0, ack: 1, length: 0 })
    await t.arrives({ rst: true, seq: 1 })
    expect(t.states()).toEqual([])
    t.peerPort++
    return { t, flows, cookie: synAck!.fastOpen! }
  }

  it('§4.1.2: gives cookies of 8 bytes to those who ask', async () => {
    const { t, cookie, flows } = await serving()
    expect(cookie).toHaveLength(8)
    expect(flows).toEqual([])
    await t.end()
  })

  it('takes the data of a SYN with the right one, and answers before the handshake is over', async () => {
    const { t, cookie, flows } = await serving()
    await t.arrives({ syn: true, seq: 0, mss: 1460, data: 'hello', fastOpen: cookie })
    t.expectSends({ syn: true, seq: 0, ack: 6, fastOpen: undefined })
    expect(t.states()).toEqual(['SYN-RECEIVED'])
    const flow = flows[0]!
    expect(await readText(flow)).toBe('hello')
    await flow.write(bytesOf('world'))
    await t.settle()
    t.expectSends({ seq: 1, ack: 6, data: 'world' })
    await t.arrives({ seq: 6, ack: 6 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    expect(flow.info()).toMatchObject({ unackedBytes: 0, unsentBytes: 0, bytesAcked: 5 })
    await t.end()
  })

  it('a lost SYN,ACK goes again, and so does the data behind it', async () => {
    const { t, cookie, flows } = await serving()
    await t.arrives({ syn: true, seq: 0, mss: 1460, data: 'hello', fastOpen: cookie })
    await flows[0]!.write(bytesOf('world'))
    await t.settle()
    t.take()
    await t.advance(1000)
    t.expectSends({ syn: true, seq: 0, ack: 6 })
    await t.arrives({ seq: 6, ack: 1 })
    await t.advance(3000)
    t.expectSends({ seq: 1, data: 'world' })
    await t.arrives({ seq: 6, ack: 6 })
    expect(t.states()).toEqual(['ESTABLISHED'])
    await t.end()
  })

  it('an end that is asked for early comes behind the handshake', async () => {
    const { t, cookie, flows } = await serving()
    await t.arrives({ syn: true, seq: 0, mss: 1460, data: 'hello', fastOpen: cookie })
    expect(await readText(flows[0]!)).toBe('hello')
    await flows[0]!.write(bytesOf('bye'))
    void flows[0]!.close()
    await t.settle()
    t.expectSends({ syn: true }, { seq: 1, data: 'bye', fin: false })
    await t.arrives({ seq: 6, ack: 4 })
    t.expectSends({ seq: 4, fin: true })
    expect(t.states()).toEqual(['FIN-WAIT-1'])
    await t.end()
  })

  it('§4.1.2: a wrong cookie is answered with the right one, and the data has to come again', async () => {
    const { t, cookie, flows } = await serving()
    await t.arrives({ syn: true, seq: 0, mss: 1460, data: 'hello', fastOpen: 'vanillas' })
    t.expectSends({ syn: true, seq: 0, ack: 1, fastOpen: cookie })
    expect(flows).toEqual([])
    await t.arrives({ seq: 1, ack: 1, data: 'hello' })
    expect(textOf(flows[0]!.peek(9))).toBe('hello')
    await t.end()
  })

  it('§4.2.1: so many handshakes may be open, others take the ordinary way', async () => {
    const { t, cookie, flows } = await serving(1)
    await t.arrives({ syn: true, seq: 0, mss: 1460, data: 'a', fastOpen: cookie })
    t.peerPort++
    await t.arrives({ syn: true, seq: 0, mss: 1460, data: 'b', fastOpen: cookie })
    expect(t.take().map((s) => s.ack)).toEqual([2, 1])
    expect(flows).toHaveLength(1)
    t.peerPort--
    await t.arrives({ seq: 2, ack: 1 })
    t.peerPort += 2
    await t.arrives({ syn: true, seq: 0, mss: 1460, data: 'c', fastOpen: cookie })
    t.expectSends({ syn: true, ack: 2 })
    await t.end()
  })

  it('a reset reaches the flow that is there already', async () => {
    const { t, cookie, flows } = await serving()
    await t.arrives({ syn: true, seq: 0, mss: 1460, fastOpen: cookie, data: 'x' })
    expect(await readText(flows[0]!)).toBe('x')
    await t.arrives({ rst: true, seq: 2 })
    await expect(flows[0]!.read()).rejects.toMatchObject({ name: 'TcpError' })
    await t.end()
  })

  it('a listener that does not want it says nothing of it', async () => {
    const t = new Script()
    t.tcp.listen({ port: 80 })
    await t.arrives({ syn: true, seq: 0, mss: 1460, fastOpen: '', data: 'x' })
    t.expectSends({ syn: true, ack: 1, fastOpen: undefined })
    await t.end()
  })
})

describe('fast open, both ends', () => {
  it('the second request takes one round trip', async () => {
    const pair = new Pair({ link: { latencyMs: 50 } })
    pair.b.listen({ port: 80, fastOpen: 10 }, async (flow) => {
      const chunk = await flow.read()
      await flow.write(chunk!)
      await flow.close()
    })
    const times: number[] = []
    for (let i = 0; i < 2; i++) {
      const begin = pair.clock.now()
      const to = { address: pair.bIp.address, port: 80 }
      const flow = await pair.settle(pair.a.connect(to, { fastOpen: true, data: bytesOf('hello') }))
      expect(textOf((await pair.settle(flow.read()))!)).toBe('hello')
      times.push(pair.clock.now() - begin)
      await pair.settle(flow.close())
    }
    expect(times).toEqual([200, 100])
    await pair.end()
  })

  it('the cache is bounded', () => {
    const cookies = new FastOpenCookies(seededRandom(1))
    for (let i = 0; i < 3000; i++) cookies.learn((0x0a000000 + i) as Ipv4, new Uint8Array(8), 1460)
    expect(cookies.find(0x0a000000 as Ipv4, 0)).toBeUndefined()
    expect(cookies.find((0x0a000000 + 2999) as Ipv4, 0)).toMatchObject({ mss: 1460 })
    expect(cookies.cookieOf(ip('fd00::1'), ip('fd00::2'))).not.toEqual(cookies.cookieOf(ip('fd00::1'), ip('fd00::3')))
  })
})
