import { ip } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { CONSTANTS as C, freebsd } from '../src/index.ts'
import { ANY, bytes, errorOf, SERVER, World } from './support.ts'

describe('opening', () => {
  it('waits, or says that it is in progress', async () => {
    const w = new World()
    const listener = w.listen()
    const fd = w.client.socket(C.AF_INET, C.SOCK_STREAM, C.IPPROTO_TCP)
    w.client.fcntl(fd, C.F_SETFL, C.O_RDWR | C.O_NONBLOCK)
    expect(w.client.fcntl(fd, C.F_GETFL)).toBe(C.O_RDWR | C.O_NONBLOCK)
    expect(await errorOf(() => w.client.connect(fd, SERVER))).toBe('EINPROGRESS')
    expect(await errorOf(() => w.client.connect(fd, SERVER))).toBe('EALREADY')
    expect(await errorOf(() => w.client.receive(fd, 1))).toBe('EAGAIN')
    await w.pass(10)
    expect(await errorOf(() => w.client.connect(fd, SERVER))).toBeUndefined()
    expect(await errorOf(() => w.client.connect(fd, SERVER))).toBe('EISCONN')
    const { from } = await w.until(w.server.accept(listener))
    expect(from).toEqual(w.client.getsockname(fd))
    expect(w.client.getpeername(fd)).toEqual(SERVER)
  })

  it('is refused where nobody listens, once', async () => {
    const w = new World()
    const fd = w.client.socket(C.AF_INET, C.SOCK_STREAM, 0)
    expect(await errorOf(() => w.until(w.client.connect(fd, SERVER)))).toBe('ECONNREFUSED')
    expect(w.client.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR)).toBe(0)
    const again = w.client.socket(C.AF_INET, C.SOCK_STREAM | C.SOCK_NONBLOCK, 0)
    expect(await errorOf(() => w.client.connect(again, SERVER))).toBe('EINPROGRESS')
    await w.pass(10)
    const up = C.POLLIN | C.POLLOUT | C.POLLERR | C.POLLHUP
    expect(await w.client.poll([{ fd: again, events: up }], 0)).toEqual([up])
    expect(w.client.getsockopt(again, C.SOL_SOCKET, C.SO_ERROR)).toBe(111)
    expect(w.client.getsockopt(again, C.SOL_SOCKET, C.SO_ERROR)).toBe(0)
  })

  it('accept waits, or not, or so long', async () => {
    const w = new World()
    const listener = w.listen()
    w.server.setsockopt(listener, C.SOL_SOCKET, C.SO_RCVTIMEO, 2)
    expect(await errorOf(() => w.until(w.server.accept(listener)))).toBe('EAGAIN')
    expect(w.runtime.clock.now()).toBe(2000)
    w.server.fcntl(listener, C.F_SETFL, C.O_NONBLOCK)
    expect(await errorOf(() => w.server.accept(listener))).toBe('EAGAIN')
    expect(await errorOf(() => w.server.receive(listener, 1))).toBe('ENOTCONN')
    expect(w.server.getsockopt(listener, C.SOL_SOCKET, C.SO_ACCEPTCONN)).toBe(1)
  })

  it('refuses nonsense with the errno that it has', async () => {
    const { client } = new World()
    expect(await errorOf(() => client.socket(99, C.SOCK_STREAM, 0))).toBe('EAFNOSUPPORT')
    expect(await errorOf(() => client.socket(C.AF_INET, C.SOCK_STREAM, 17))).toBe('EPROTONOSUPPORT')
    expect(await errorOf(() => client.listen(77, 1))).toBe('EBADF')
    const fd = client.socket(C.AF_INET, C.SOCK_STREAM, 0)
    expect(await errorOf(() => client.accept(fd))).toBe('EINVAL')
    expect(await errorOf(() => client.send(fd, bytes(1)))).toBe('EPIPE')
    expect(await errorOf(() => client.receive(fd, 1))).toBe('ENOTCONN')
    expect(await errorOf(() => client.shutdown(fd, C.SHUT_WR))).toBe('ENOTCONN')
    expect(await errorOf(() => client.getpeername(fd))).toBe('ENOTCONN')
    expect(await errorOf(() => client.setsockopt(fd, C.SOL_TCP, 999, 1))).toBe('ENOPROTOOPT')
    expect(await errorOf(() => client.setsockopt(fd, C.SOL_TCP, C.TCP_MAXSEG, 7))).toBe('EINVAL')
    expect(await errorOf(() => client.connect(fd, { family: C.AF_INET, address: ip('224.0.0.1'), port: 1 }))).toBe(
      'EINVAL',
    )
    client.bind(fd, ANY)
    expect(await errorOf(() => client.bind(fd, ANY))).toBe('EINVAL')
    const other = client.socket(C.AF_INET, C.SOCK_STREAM, 0)
    expect(await errorOf(() => client.bind(other, ANY))).toBe('EADDRINUSE')
    await client.close(fd)
    client.bind(other, ANY)
  })
})

describe('data', () => {
  it('is read by measure, looked at, waited for', async () => {
    const w = new World()
    const { near, far } = await w.connect()
    expect(await errorOf(() => w.server.receive(far, 10, C.MSG_DONTWAIT))).toBe('EAGAIN')
    const all = w.server.receive(far, 3000, C.MSG_WAITALL)
    expect(await w.client.send(near, bytes(2000))).toBe(2000)
    await w.pass(100)
    await w.client.send(near, bytes(1500))
    expect((await w.until(all)).data.length).toBe(3000)
    expect(w.server.ioctl(far, C.SIOCINQ)).toBe(500)
    expect((await w.server.receive(far, 9, C.MSG_PEEK)).data).toEqual(
      bytes(3000)
        .subarray(1000, 1009)
        .map((_, i) => (1000 + i) & 255),
    )
    expect((await w.server.receive(far, 1000)).data.length).toBe(500)
    w.client.shutdown(near, C.SHUT_WR)
    expect((await w.until(w.server.receive(far, 10))).data.length).toBe(0)
    expect(await errorOf(() => w.client.send(near, bytes(1)))).toBe('EPIPE')
  })

  it('takes as much as there is room for, or waits', async () => {
    const w = new World({ tcp: { receiveBufferBytes: 4000, receiveBufferMaxBytes: 4000, windowScale: false } })
    const { near, far } = await w.connect()
    w.client.setsockopt(near, C.SOL_SOCKET, C.SO_SNDBUF, 5000)
    expect(w.client.getsockopt(near, C.SOL_SOCKET, C.SO_SNDBUF)).toBe(10_000)
    w.client.fcntl(near, C.F_SETFL, C.O_NONBLOCK)
    expect(await w.client.send(near, bytes(20_000))).toBe(10_000)
    expect(await errorOf(() => w.client.send(near, bytes(1)))).toBe('EAGAIN')
    expect(w.client.ioctl(near, C.SIOCOUTQ)).toBe(10_000)
    w.client.fcntl(near, C.F_SETFL, 0)
    const rest = w.client.send(near, bytes(10_000))
    let got = 0
    while (got < 20_000) got += (await w.until(w.server.receive(far, 4000))).data.length
    expect(await w.until(rest)).toBe(10_000)
  })

  it('MSG_MORE and TCP_CORK hold back', async () => {
    const w = new World()
    const { near, far } = await w.connect()
    await w.client.send(near, bytes(10), C.MSG_MORE)
    await w.pass(5)
    expect(w.server.ioctl(far, C.SIOCINQ)).toBe(0)
    await w.client.send(near, bytes(5))
    await w.pass(5)
    expect(w.server.ioctl(far, C.SIOCINQ)).toBe(15)
  })
})

describe('the end', () => {
  it('a reset is told once, then the end', async () => {
    const w = new World()
    const { near, far } = await w.connect()
    w.client.setsockopt(near, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 0 })
    await w.client.close(near)
    await w.pass(10)
    expect(await errorOf(() => w.server.receive(far, 1))).toBe('ECONNRESET')
    expect((await w.server.receive(far, 1)).data.length).toBe(0)
    expect(await errorOf(() => w.server.send(far, bytes(1)))).toBe('EPIPE')
    expect(await errorOf(() => w.client.receive(near, 1))).toBe('EBADF')
  })

  it('a reset after the end is a broken pipe', async () => {
    const w = new World()
    const { near, far } = await w.connect()
    await w.client.close(near)
    await w.pass(10)
    await w.server.send(far, bytes(5))
    await w.pass(10)
    expect(await errorOf(() => w.server.send(far, bytes(1)))).toBe('EPIPE')
  })

  it('close waits where lingering says so', async () => {
    const w = new World()
    const { near } = await w.connect()
    w.client.setsockopt(near, C.SOL_SOCKET, C.SO_LINGER, { onoff: 1, linger: 5 })
    await w.client.send(near, bytes(100))
    let closed = false
    const closing = w.client.close(near).then(() => {
      closed = true
    })
    expect(closed).toBe(false)
    await w.until(closing)
  })

  it('shutting a listener down ends listening', async () => {
    const w = new World()
    const listener = w.listen()
    const waiting = errorOf(() => w.server.accept(listener))
    w.server.shutdown(listener, C.SHUT_RD)
    expect(await w.until(waiting)).toBe('EINVAL')
  })
})

describe('options', () => {
  it('say what was set, and what follows from the connection', async () => {
    const w = new World()
    const { near } = await w.connect()
    const get = (level: number, name: number): unknown => w.client.getsockopt(near, level, name)
    expect(get(C.SOL_TCP, C.TCP_MAXSEG)).toBe(1448)
    expect(get(C.SOL_IP, C.IP_MTU)).toBe(1500)
    expect(get(C.SOL_TCP, C.TCP_CONGESTION)).toBe('cubic')
    expect(get(C.SOL_SOCKET, C.SO_TYPE)).toBe(C.SOCK_STREAM)
    w.client.setsockopt(near, C.SOL_TCP, C.TCP_NODELAY, 1)
    expect(get(C.SOL_TCP, C.TCP_NODELAY)).toBe(1)
    expect(get(C.SOL_TCP, C.TCP_INFO)).toMatchObject({
      tcpi_state: 1,
      tcpi_snd_cwnd: 10,
      tcpi_options: 7,
      tcpi_snd_mss: 1448,
    })
    const fresh = w.client.socket(C.AF_INET, C.SOCK_STREAM, 0)
    expect(w.client.getsockopt(fresh, C.SOL_TCP, C.TCP_INFO)).toMatchObject({ tcpi_state: 7 })
    expect(w.client.getsockopt(fresh, C.SOL_TCP, C.TCP_KEEPIDLE)).toBe(7200)
  })

  it('are inherited by accepted sockets', async () => {
    const w = new World()
    const listener = w.listen()
    w.server.setsockopt(listener, C.SOL_SOCKET, C.SO_KEEPALIVE, 1)
    const near = w.client.socket(C.AF_INET, C.SOCK_STREAM, 0)
    await w.until(w.client.connect(near, SERVER))
    const { fd } = await w.until(w.server.accept(listener))
    expect(w.server.getsockopt(fd, C.SOL_SOCKET, C.SO_KEEPALIVE)).toBe(1)
  })

  it('differ between systems', () => {
    const bsd = new World({ personality: freebsd() }).client
    const fd = bsd.socket(C.AF_INET, C.SOCK_STREAM, 0)
    bsd.setsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUF, 10_000)
    expect(bsd.getsockopt(fd, C.SOL_SOCKET, C.SO_RCVBUF)).toBe(10_000)
    expect(bsd.getsockopt(fd, C.SOL_TCP, C.TCP_KEEPCNT)).toBe(8)
    const { client } = new World()
    const other = client.socket(C.AF_INET, C.SOCK_STREAM, 0)
    client.setsockopt(other, C.SOL_SOCKET, C.SO_RCVBUF, 10_000)
    expect(client.getsockopt(other, C.SOL_SOCKET, C.SO_RCVBUF)).toBe(20_000)
  })
})
