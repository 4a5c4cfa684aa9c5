import { ipv4 } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { UdpError } from '../src/errors.ts'
import { ReceiveQueue } from '../src/receive-queue.ts'
import type { Datagram } from '../src/types.ts'

const SOMEBODY = { address: ipv4('10.0.0.1'), port: 1 }

function datagram(n: number, bytes = 1): Datagram {
  return {
    data: new Uint8Array(bytes).fill(n),
    size: bytes,
    src: SOMEBODY,
    dst: SOMEBODY,
    ttl: 64,
    trafficClass: 0,
    multicast: false,
  }
}

const refused = new UdpError('ERR_UDP_REFUSED', 'refused')
const unreachable = new UdpError('ERR_UDP_UNREACHABLE', 'unreachable')
const closed = new UdpError('ERR_UDP_CLOSED', 'closed')

describe('the receive queue', () => {
  it('keeps the order, also among those who wait', async () => {
    const q = new ReceiveQueue(10, 1000)
    const [first, second] = [q.take({}), q.take({})]
    for (let n = 1; n <= 5; n++) q.put(datagram(n))
    const rest = [q.take({}), q.take({}), q.take({})]
    const all = await Promise.all([first, second, ...rest])
    expect(all.map(({ data }) => data[0])).toEqual([1, 2, 3, 4, 5])
  })

  it('is bounded in datagrams', async () => {
    const q = new ReceiveQueue(2, 1000)
    for (const n of [1, 2]) {
      expect(q.hasRoom(1)).toBe(true)
      q.put(datagram(n))
    }
    expect(q.hasRoom(0)).toBe(false)
    await q.take({})
    expect(q.hasRoom(1)).toBe(true)
  })

  it('is bounded in bytes, but takes any one datagram', async () => {
    const q = new ReceiveQueue(10, 100)
    expect(q.hasRoom(5000)).toBe(true)
    q.put(datagram(1, 60))
    expect(q.hasRoom(41)).toBe(false)
    expect(q.hasRoom(40)).toBe(true)
    await q.take({})
    expect(q.hasRoom(5000)).toBe(true)
  })

  it('stays the same over many datagrams', async () => {
    const q = new ReceiveQueue(8, 1000)
    let next = 0
    for (let n = 0; n < 1000; n++) {
      q.put(datagram(n))
      if (n % 3 !== 2 && n < 990) continue
      while (next <= n - 3) expect((await q.take({})).data[0]).toBe(next++ & 255)
    }
    expect(next).toBe(997)
  })

  it('tells an error behind the datagrams that came before', async () => {
    const q = new ReceiveQueue(10, 1000)
    q.put(datagram(1))
    expect(q.fail(refused)).toBe(true)
    expect((await q.take({})).data[0]).toBe(1)
    await expect(q.take({})).rejects.toBe(refused)
    const waiting = q.take({})
    q.put(datagram(2))
    expect((await waiting).data[0]).toBe(2)
  })

  it('tells an error at once to who waits, and only to one', async () => {
    const q = new ReceiveQueue(10, 1000)
    const [first, second] = [q.take({}), q.take({})]
    expect(q.fail(refused)).toBe(true)
    await expect(first).rejects.toBe(refused)
    q.put(datagram(1))
    expect((await second).data[0]).toBe(1)
  })

  it('keeps the latest error, and says that one was lost', async () => {
    const q = new ReceiveQueue(10, 1000)
    expect(q.fail(refused)).toBe(true)
    expect(q.fail(unreachable)).toBe(false)
    await expect(q.take({})).rejects.toBe(unreachable)
  })

  it('lets who waits give up', async () => {
    const q = new ReceiveQueue(10, 1000)
    const [one, two] = [new AbortController(), new AbortController()]
    const [first, second] = [q.take({ signal: one.signal }), q.take({ signal: two.signal })]
    one.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    q.put(datagram(1))
    expect((await second).data[0]).toBe(1)
    two.abort()
    await expect(q.take({ signal: two.signal })).rejects.toMatchObject({ name: 'AbortError' })
    q.put(datagram(2))
    expect((await q.take({})).data[0]).toBe(2)
  })

  it('tells everybody that it is closed, and keeps nothing', async () => {
    const q = new ReceiveQueue(10, 1000)
    const waiting = [q.take({}), q.take({})]
    q.close(closed)
    for (const each of waiting) await expect(each).rejects.toBe(closed)
    const full = new ReceiveQueue(10, 1000)
    full.put(datagram(1))
    full.close(closed)
    await expect(full.take({})).rejects.toBe(closed)
  })

  it('tells what it cut off', async () => {
    const queue = new ReceiveQueue(10, 100)
    for (const n of [1, 2, 3]) queue.put(datagram(n, 4))
    expect(await queue.take({ maxBytes: 4 })).toEqual(datagram(1, 4))
    expect(await queue.take({ maxBytes: 3 })).toEqual({ ...datagram(2, 3), size: 4 })
    expect(await queue.take({ maxBytes: 0 })).toMatchObject({ data: new Uint8Array(0), size: 4 })
    expect(() => queue.take({ maxBytes: -1 })).toThrow(RangeError)
  })
})
