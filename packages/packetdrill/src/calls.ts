import { ipv4Mapped, isIpv4 } from '@fata/addr'
import { CONSTANTS as C, type ControlMessage, type Posix, type SocketAddress } from '@fata/posix'
import { Mismatch, Unsupported } from './errors.ts'
import type { Evaluator } from './evaluate.ts'
import type { CallSpec, Expression } from './script.ts'
import { ScriptSocket } from './script-socket.ts'
import type { World } from './world.ts'

/** What a call needs besides its arguments. */
export interface CallContext {
  readonly world: World
  readonly evaluate: Evaluator
  /** Descriptors of the script to those of the host, and to the connections that they are of. */
  readonly fds: Map<number, number>
  readonly sockets: Map<number, ScriptSocket>
  readonly relaxed: boolean
}

/** Makes a call; gives what it returns. Throws PosixError as the call would fail, Mismatch where what it brings is not what the script says. */
type Call = (x: CallContext, spec: CallSpec) => number | Promise<number>

const posix = (x: CallContext): Posix => x.world.host.posix

function fdOf(x: CallContext, e: Expression | undefined): number {
  const script = x.evaluate.number(e)
  return x.fds.get(script) ?? script
}

/** Where a socket call without an address of its own goes: the host of the script. */
function remoteAddress(x: CallContext, spec: Expression | undefined): SocketAddress {
  const given = x.evaluate.address(spec)
  if (given !== undefined && given.family === C.AF_UNSPEC) return given
  const { network, connectPort } = x.world
  const mapped = network.mode === 'ipv4-mapped-ipv6' && isIpv4(network.remote)
  const address = mapped ? ipv4Mapped(network.remote) : network.remote
  return { family: familyOf(x), address, port: given?.port ?? connectPort }
}

function familyOf(x: CallContext): number {
  return x.world.network.mode === 'ipv4' ? C.AF_INET : C.AF_INET6
}

const socket: Call = (x, { args, result }) => {
  const e = x.evaluate
  const domain = args[0]?.kind === 'ellipsis' ? familyOf(x) : e.number(args[0])
  const type = e.number(args[1])
  const protocol = args[2]?.kind === 'ellipsis' ? 0 : e.number(args[2])
  const live = posix(x).socket(domain, type, protocol)
  const dgram = (type & 0xff) === C.SOCK_DGRAM
  const known = new ScriptSocket(dgram ? 'udp' : 'tcp', x.world.bindPort, 0)
  x.world.socketUnderTest = known
  return opened(x, result, live, known)
}

/** A new descriptor: the script says by which number it goes. */
function opened(x: CallContext, result: Expression, live: number, known: ScriptSocket | undefined): number {
  const script = result.kind === 'integer' ? result.value : live
  x.fds.set(script, live)
  if (known !== undefined) {
    known.fd = live
    x.sockets.set(live, known)
  }
  return script
}

const bind: Call = (x, { args }) => {
  const fd = fdOf(x, args[0])
  const given = x.evaluate.address(args[1])
  const port = given?.port ?? x.world.bindPort
  posix(x).bind(fd, { family: familyOf(x), address: undefined, port })
  const known = x.sockets.get(fd)
  if (known !== undefined) known.localPort = port
  return 0
}

const listen: Call = (x, { args }) => {
  const fd = fdOf(x, args[0])
  posix(x).listen(fd, x.evaluate.number(args[1]))
  const known = x.sockets.get(fd)
  if (known !== undefined) {
    known.stage = 'listening'
    x.world.socketUnderTest = known
  }
  return 0
}

const accept: Call = async (x, { name, args, result }) => {
  const flags = name === 'accept4' ? x.evaluate.number(args[3]) : 0
  const { fd, from } = await posix(x).accept(fdOf(x, args[0]), flags)
  const under = x.world.socketUnderTest
  const known = under !== undefined && under.remotePort === from.port && under.fd === undefined ? under : undefined
  return opened(x, result, fd, known)
}

/** The script's packets are of this socket from here on. */
function startConnecting(x: CallContext, fd: number, to: SocketAddress): void {
  const known = x.sockets.get(fd)
  if (known === undefined || known.stage !== 'new') return
  known.stage = known.protocol === 'tcp' ? 'connecting' : 'active-acked'
  known.remotePort = to.port
  known.localPort = 0
  x.world.socketUnderTest = known
}

const connect: Call = async (x, { args }) => {
  const fd = fdOf(x, args[0])
  const to = remoteAddress(x, args[1])
  startConnecting(x, fd, to)
  await posix(x).connect(fd, to)
  return 0
}

const read: Call = async (x, { args }) => {
  const { data } = await posix(x).receive(fdOf(x, args[0]), x.evaluate.number(args[2]))
  return data.length
}

const recv: Call = async (x, { args }) => {
  const { evaluate } = x
  const { data } = await posix(x).receive(fdOf(x, args[0]), evaluate.number(args[2]), evaluate.number(args[3]))
  return data.length
}

const readv: Call = async (x, { args }) => {
  const lengths = x.evaluate.iovec(args[1])
  const count = lengths.reduce((sum, n) => sum + n, 0)
  return (await posix(x).receive(fdOf(x, args[0]), count)).data.length
}

const recvmsg: Call = async (x, { args }) => {
  const { evaluate } = x
  const count = evaluate.iovec(evaluate.field(args[1], 'msg_iov')).reduce((sum, n) => sum + n, 0)
  const got = await posix(x).receive(fdOf(x, args[0]), count, evaluate.number(args[2]))
  const flags = evaluate.field(args[1], 'msg_flags')
  if (flags !== undefined && flags.kind !== 'ellipsis' && evaluate.number(flags) !== got.flags)
    throw new Mismatch(`msg_flags are ${got.flags} instead of ${evaluate.number(flags)}`)
  const control = evaluate.field(args[1], 'msg_control')
  if (control?.kind === 'list') compareControl(x, control.items, got.control)
  return got.data.length
}

function compareControl(x: CallContext, expected: readonly Expression[], actual: readonly ControlMessage[]): void {
  const { evaluate } = x
  if (expected.length !== actual.length)
    throw new Mismatch(`${actual.length} control messages came instead of ${expected.length}`)
  for (const [i, e] of expected.entries()) {
    const { level, type, data } = actual[i]!
    const wanted = evaluate.field(e, 'cmsg_data')
    if (
      evaluate.number(evaluate.field(e, 'cmsg_level')) !== level ||
      evaluate.number(evaluate.field(e, 'cmsg_type')) !== type
    )
      throw new Mismatch(`control message ${i} is of level ${level}, type ${type}`)
    if (typeof data === 'number') {
      if (evaluate.number(wanted) !== data) throw new Mismatch(`control message ${i} says ${data}`)
    } else if (wanted?.kind === 'record') {
      for (const [name, value] of wanted.fields)
        if (evaluate.number(value) !== data[name]) throw new Mismatch(`control message ${i} says ${name}=${data[name]}`)
    }
  }
}

async function send(x: CallContext, fd: number, count: number, flags: number, to?: SocketAddress): Promise<number> {
  if (to !== undefined) startConnecting(x, fd, to)
  return posix(x).send(fd, new Uint8Array(count), flags, to)
}

const write: Call = (x, { args }) =>
  send(x, fdOf(x, args[0]), x.evaluate.bufferLength(args[1], x.evaluate.number(args[2])), 0)

const writev: Call = (x, { args }) => {
  const lengths = x.evaluate.iovec(args[1])
  return send(
    x,
    fdOf(x, args[0]),
    lengths.reduce((sum, n) => sum + n, 0),
    0,
  )
}

const sendCall: Call = (x, { args }) =>
  send(x, fdOf(x, args[0]), x.evaluate.number(args[2]), x.evaluate.number(args[3]))

const sendto: Call = (x, { args }) => {
  const fd = fdOf(x, args[0])
  const flags = x.evaluate.number(args[3])
  const family = args[4]?.kind === 'word' ? x.evaluate.number(args[4]) : undefined
  const to = family === C.AF_UNSPEC ? { family, address: undefined, port: 0 } : remoteAddress(x, args[4])
  return send(x, fd, x.evaluate.number(args[2]), flags, to)
}

const sendmsg: Call = (x, { args }) => {
  const { evaluate } = x
  const lengths = evaluate.iovec(evaluate.field(args[1], 'msg_iov'))
  const flags = evaluate.number(args[2])
  const to = (flags & C.MSG_FASTOPEN) !== 0 ? remoteAddress(x, undefined) : undefined
  return send(
    x,
    fdOf(x, args[0]),
    lengths.reduce((sum, n) => sum + n, 0),
    flags,
    to,
  )
}

const close: Call = async (x, { args }) => {
  await posix(x).close(fdOf(x, args[0]))
  return 0
}

const shutdown: Call = (x, { args }) => {
  posix(x).shutdown(fdOf(x, args[0]), x.evaluate.number(args[1]))
  return 0
}

const fcntl: Call = (x, { args }) =>
  posix(x).fcntl(fdOf(x, args[0]), x.evaluate.number(args[1]), args[2] === undefined ? 0 : x.evaluate.number(args[2]))

const ioctl: Call = (x, { args }) => {
  const request = x.evaluate.number(args[1])
  if (request === C.FIONBIO) return posix(x).ioctl(fdOf(x, args[0]), request, x.evaluate.bracketed(args[2]))
  const value = posix(x).ioctl(fdOf(x, args[0]), request)
  const wanted = x.evaluate.bracketed(args[2])
  if (value !== wanted) throw new Mismatch(`ioctl says ${value} instead of ${wanted}`)
  return 0
}

const getsockopt: Call = (x, { args }) => {
  const level = x.evaluate.number(args[1])
  const name = x.evaluate.number(args[2])
  const value = posix(x).getsockopt(fdOf(x, args[0]), level, name)
  const wanted = x.evaluate.option(args[3])
  if (wanted === undefined) return 0
  if (x.relaxed && level === C.SOL_SOCKET && (name === C.SO_RCVBUF || name === C.SO_SNDBUF)) return 0
  const same =
    typeof wanted === 'number' && typeof value === 'number'
      ? wanted >>> 0 === value >>> 0
      : JSON.stringify(wanted) === JSON.stringify(value)
  if (!same) throw new Mismatch(`the option is ${JSON.stringify(value)} instead of ${JSON.stringify(wanted)}`)
  return 0
}

const setsockopt: Call = (x, { args }) => {
  const value = x.evaluate.option(args[3])
  if (value === undefined) throw new Unsupported('setsockopt of a value that is not given')
  posix(x).setsockopt(fdOf(x, args[0]), x.evaluate.number(args[1]), x.evaluate.number(args[2]), value)
  return 0
}

const poll: Call = async (x, { args }) => {
  const { evaluate } = x
  const list = args[0]?.kind === 'list' ? args[0].items : []
  const entries = list.map((e) => ({
    fd: fdOf(x, evaluate.field(e, 'fd')),
    events: evaluate.number(evaluate.field(e, 'events')),
  }))
  const got = await posix(x).poll(entries, evaluate.number(args[2]))
  for (const [i, e] of list.entries()) {
    const field = evaluate.field(e, 'revents')
    const wanted = field === undefined ? 0 : evaluate.number(field)
    if (got[i] !== wanted) throw new Mismatch(`revents of entry ${i} are ${got[i]} instead of ${wanted}`)
  }
  return got.filter((events) => events !== 0).length
}

const epollCreate: Call = (x, { result }) => opened(x, result, posix(x).epollCreate(), undefined)

const epollCtl: Call = (x, { args }) => {
  const { evaluate } = x
  const [epfd, op, fd, event] = args
  const data = ['fd', 'ptr', 'u32', 'u64'].map((name) => evaluate.field(event, name)).find((e) => e !== undefined)
  const given =
    event?.kind === 'record'
      ? { events: evaluate.number(evaluate.field(event, 'events')), data: evaluate.number(data) }
      : undefined
  posix(x).epollCtl(fdOf(x, epfd), evaluate.number(op), fdOf(x, fd), given)
  return 0
}

const epollWait: Call = async (x, { args }) => {
  const { evaluate } = x
  const got = await posix(x).epollWait(fdOf(x, args[0]), evaluate.number(args[2]), evaluate.number(args[3]))
  const expected = args[1]?.kind === 'list' ? args[1].items : args[1] === undefined ? [] : [args[1]]
  for (const [i, e] of expected.entries()) {
    const field = evaluate.field(e, 'events')
    if (field === undefined || i >= got.length) continue
    const wanted = evaluate.number(field)
    if (got[i]!.events >>> 0 !== wanted >>> 0) throw new Mismatch(`events are ${got[i]!.events} instead of ${wanted}`)
  }
  return got.length
}

/** Every call that scripts can make here. */
export const CALLS: ReadonlyMap<string, Call> = new Map(
  Object.entries({
    socket,
    bind,
    listen,
    accept,
    accept4: accept,
    connect,
    read,
    readv,
    recv,
    recvfrom: recv,
    recvmsg,
    write,
    writev,
    send: sendCall,
    sendto,
    sendmsg,
    close,
    shutdown,
    fcntl,
    ioctl,
    getsockopt,
    setsockopt,
    poll,
    epoll_create: epollCreate,
    epoll_create1: epollCreate,
    epoll_ctl: epollCtl,
    epoll_wait: epollWait,
  }),
)
