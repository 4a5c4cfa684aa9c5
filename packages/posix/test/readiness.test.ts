import { describe, expect, it } from 'vitest'
import { CONSTANTS as C } from '../src/index.ts'
import { ANY, bytes, errorOf, SERVER, World } from './support.ts'

const IN = C.POLLIN
const OUT = C.POLLOUT

describe('poll', () => {
  it('waits for any of several, for so long', async () => {
    const w = new World()
    const { near, far, listener } = await w.connect()
    const entries = [
      { fd: far, events: IN },
      { fd: listener, events: IN },
      { fd: -1, events: IN },
      { fd: 99, events: 0 },
    ]
    expect(await w.server.poll(entries, 0)).toEqual([0, 0, 0, C.POLLNVAL])
    const waiting = w.server.poll(entries.slice(0, 3), -1)
    await w.client.send(near, bytes(1))
    expect(await w.until(waiting)).toEqual([IN, 0, 0])
    const before = w.runtime.clock.now()
    expect(await w.until(w.server.poll([{ fd: listener, events: IN }], 1500))).toEqual([0])
    expect(w.runtime.clock.now()).toBe(before + 1500)
  })

  it('tells of the end and of both ends', async () => {
    const w = new World()
    const { near, far } = await w.connect()
    const all = IN | OUT | C.POLLRDHUP | C.POLLHUP
    w.client.shutdown(near, C.SHUT_WR)
    await w.pass(10)
    expect(await w.server.poll([{ fd: far, events: all }], 0)).toEqual([IN | OUT | C.POLLRDHUP])
    w.server.shutdown(far, C.SHUT_WR)
    expect(await w.server.poll([{ fd: far, events: all }], 0)).toEqual([all])
  })
})

describe('epoll', () => {
  it('tells levels as long as they hold, edges once', async () => {
    const w = new World()
    const { near, far } = await w.connect()
    const level = w.server.epollCreate()
    const edge = w.server.epollCreate()
    w.server.epollCtl(level, C.EPOLL_CTL_ADD, far, { events: IN, data: 7 })
    w.server.epollCtl(edge, C.EPOLL_CTL_ADD, far, { events: IN | C.EPOLLET, data: 8 })
    const waiting = w.server.epollWait(level, 10, -1)
    await w.client.send(near, bytes(3))
    expect(await w.until(waiting)).toEqual([{ events: IN, data: 7 }])
    expect(await w.server.epollWait(level, 10, 0)).toEqual([{ events: IN, data: 7 }])
    expect(await w.server.epollWait(edge, 10, 0)).toEqual([{ events: IN, data: 8 }])
    expect(await w.server.epollWait(edge, 10, 0)).toEqual([])
    await w.client.send(near, bytes(3))
    await w.pass(5)
    expect(await w.server.epollWait(edge, 10, 0)).toEqual([{ events: IN, data: 8 }])
  })

  it('tells one-shot events until they are asked for again', async () => {
    const w = new World()
    const { far } = await w.connect()
    const ep = w.server.epollCreate()
    w.server.epollCtl(ep, C.EPOLL_CTL_ADD, far, { events: OUT | C.EPOLLONESHOT, data: 1 })
    expect((await w.server.epollWait(ep, 10, 0)).length).toBe(1)
    expect(await w.server.epollWait(ep, 10, 0)).toEqual([])
    w.server.epollCtl(ep, C.EPOLL_CTL_MOD, far, { events: OUT | C.EPOLLONESHOT, data: 1 })
    expect((await w.server.epollWait(ep, 10, 0)).length).toBe(1)
  })

  it('refuses what makes no sense, forgets what is closed', async () => {
    const w = new World()
    const { far } = await w.connect()
    const ep = w.server.epollCreate()
    const event = { events: OUT, data: 0 }
    expect(await errorOf(() => w.server.epollCtl(ep, C.EPOLL_CTL_MOD, far, event))).toBe('ENOENT')
    w.server.epollCtl(ep, C.EPOLL_CTL_ADD, far, event)
    expect(await errorOf(() => w.server.epollCtl(ep, C.EPOLL_CTL_ADD, far, event))).toBe('EEXIST')
    expect(await errorOf(() => w.server.epollCtl(far, C.EPOLL_CTL_ADD, far, event))).toBe('EINVAL')
    expect(await errorOf(() => w.server.epollWait(ep, 0, 0))).toBe('EINVAL')
    await w.server.close(far)
    expect(await w.server.epollWait(ep, 1, 0)).toEqual([])
  })

  it('tells when there is room again only who was refused', async () => {
    const w = new World({ tcp: { receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000, windowScale: false } })
    const { near, far } = await w.connect()
    w.client.setsockopt(near, C.SOL_SOCKET, C.SO_SNDBUF, 5000)
    w.client.fcntl(near, C.F_SETFL, C.O_NONBLOCK)
    const ep = w.client.epollCreate()
    w.client.epollCtl(ep, C.EPOLL_CTL_ADD, near, { events: OUT | C.EPOLLET, data: 1 })
    expect((await w.client.epollWait(ep, 1, 0)).length).toBe(1)
    await w.client.send(near, bytes(30_000))
    expect(await w.client.epollWait(ep, 1, 0)).toEqual([])
    for (let got = 0; got < 10_000; ) got += (await w.until(w.server.receive(far, 4000))).data.length
    await w.pass(100)
    expect(await w.client.epollWait(ep, 1, 0)).toEqual([{ events: OUT, data: 1 }])
  })
})

describe('datagrams', () => {
  it('go to and fro, wait to be read, are cut', async () => {
    const w = new World()
    const server = w.server.socket(C.AF_INET, C.SOCK_DGRAM, 0)
    w.server.bind(server, { ...ANY, port: 53 })
    const client = w.client.socket(C.AF_INET, C.SOCK_DGRAM, C.IPPROTO_UDP)
    expect(await errorOf(() => w.client.send(client, bytes(1)))).toBe('EDESTADDRREQ')
    expect(
      await w.client.send(client, bytes(10), 0, {
        ...ANY,
        address: SERVER.address,
        port: 53,
      }),
    ).toBe(10)
    await w.pass(5)
    expect(await w.server.poll([{ fd: server, events: IN }], 0)).toEqual([IN])
    expect(w.server.ioctl(server, C.SIOCINQ)).toBe(10)
    const { data, from, flags } = await w.server.receive(server, 4)
    expect([data.length, flags]).toEqual([4, C.MSG_TRUNC])
    await w.server.connect(server, from!)
    await w.server.send(server, bytes(2))
    expect((await w.until(w.client.receive(client, 10))).data).toEqual(bytes(2))
    expect(await errorOf(() => w.server.receive(server, 1, C.MSG_DONTWAIT))).toBe('EAGAIN')
    expect(await errorOf(() => w.server.listen(server, 1))).toBe('EOPNOTSUPP')
  })
})
