import { constants } from 'node:os'
import { type readMac, writeMac } from '@fata/addr'
import { hex } from '@fata/bytes'
import type { Native, Watch } from '../src/native.ts'
import { hostU16, hostU32, putHostU16, putHostU32 } from '../src/wire/host-order.ts'
import { decodeIfreq, encodeIfreq } from '../src/wire/ifreq.ts'

const { EAGAIN, EBADF, EINVAL, ENOBUFS } = constants.errno
const TUN_FD = 100
const NETLINK_FD = 200

const REQUESTS = {
  TUNSETIFF: 1,
  TUNGETIFF: 2,
  TUNGETFEATURES: 3,
  TUNSETVNETHDRSZ: 4,
  TUNSETOFFLOAD: 5,
  TUNSETSNDBUF: 6,
}

interface FakeWatch {
  readonly fd: number
  readonly callback: (events: number) => void
  events: number
  keepsAlive: boolean
  closed: boolean
}

/** The kernel of unit tests: one interface, its frames, and the errors that a test asks for. */
export class FakeNative implements Native {
  readonly requests = REQUESTS
  /** What happened, in order: `open`, `TUNSETIFF 5002`, `write 2`, ... */
  readonly calls: string[] = []
  /** Frames that the device will read, with their virtio_net_hdr. */
  readonly incoming: Uint8Array[] = []
  /** Frames that were taken, as hex, with their virtio_net_hdr. */
  readonly sent: string[] = []
  /** What becomes of the next frames that are written: 0 or errno. Empty: all are taken. */
  readonly outcomes: number[] = []
  /** -errno by name of a call or of an ioctl. */
  readonly errors: Record<string, number> = {}
  /** What is answered at the end of reading: -EAGAIN, or that the interface is gone. */
  readEnd = -EAGAIN
  features = 0x5003
  link = {
    index: 7,
    up: false,
    mtu: 1500,
    mac: 0x020000000009,
    type: 'tun',
    name: 'tap0',
    exists: true,
    packetInfo: false,
  }
  readonly addresses: Uint8Array[] = []
  readonly #watches = new Map<Watch, FakeWatch>()
  readonly #answers: Uint8Array[] = []
  #netlinkEnd = -EAGAIN

  #result(name: string, value: number): number {
    return this.errors[name] ?? value
  }

  open(path: string, writable: boolean): number {
    this.calls.push(`open ${path}${writable ? '' : ' read-only'}`)
    return this.#result(path, TUN_FD)
  }

  close(fd: number): number {
    this.calls.push(`close ${fd}`)
    return 0
  }

  ioctl(_fd: number, request: number, argument: Uint8Array | number): number {
    const name = Object.entries(REQUESTS).find(([, number]) => number === request)![0]
    if (typeof argument === 'number') {
      this.calls.push(`${name} ${argument}`)
      return this.#result(`${name} ${argument}`, this.#result(name, 0))
    }
    if (name === 'TUNGETFEATURES') putHostU32(argument, 0, this.features)
    else if (name === 'TUNGETIFF') argument.set(encodeIfreq(this.link.name, this.features))
    else if (name === 'TUNSETIFF') {
      const { flags } = decodeIfreq(argument)
      this.calls.push(`TUNSETIFF ${decodeIfreq(argument).name} ${flags.toString(16)}`)
      argument.set(encodeIfreq(this.link.name, flags))
      return this.#result(`TUNSETIFF ${flags.toString(16)}`, this.#result('TUNSETIFF', 0))
    } else this.calls.push(`${name} ${hostU32(argument, 0)}`)
    return this.#result(name, 0)
  }

  netlink(): number {
    return this.#result('netlink', NETLINK_FD)
  }

  setns(): number {
    return this.#result('setns', 0)
  }

  read(fd: number, slab: Uint8Array, descriptors: Int32Array, lead: number, room: number): number {
    const queue = fd === NETLINK_FD ? this.#answers : this.incoming
    let at = 0
    let n = 0
    while (queue.length > 0 && n < descriptors.length / 2 && at + lead + room <= slab.length) {
      const frame = queue.shift()!
      slab.set(frame, at + lead)
      descriptors.set([at + lead, frame.length], 2 * n++)
      at = (at + lead + frame.length + 7) & ~7
    }
    if (n > 0) return n
    if (fd !== NETLINK_FD) return this.readEnd
    const end = this.#netlinkEnd
    this.#netlinkEnd = -EAGAIN
    return end
  }

  write(
    fd: number,
    slab: Uint8Array,
    commands: Int32Array,
    start: number,
    frames: number,
    buffers: readonly Uint8Array[],
    bufferCount: number,
  ): number {
    if (fd === NETLINK_FD) return this.#answer(slab)
    this.calls.push(`write ${frames}`)
    commands[0] = 0
    let at = start
    for (let i = 0; i < frames; i++) {
      const [off, length, ranges] = commands.subarray(at, at + 3)
      let bytes = hex(slab, off!, off! + length!)
      for (let r = 1; r <= ranges!; r++) {
        const [index, from, n] = commands.subarray(at + 3 * r, at + 3 * r + 3)
        if (index! >= bufferCount) throw new Error('a range names a buffer that is not there')
        bytes += hex(buffers[index!]!, from!, from! + n!)
      }
      at += 3 * (1 + ranges!)
      const outcome = this.outcomes.shift() ?? 0
      if (outcome !== 0) {
        commands[0] = outcome
        return i
      }
      this.sent.push(bytes)
    }
    return frames
  }

  watch(fd: number, callback: (events: number) => void): Watch {
    const watch = {} as Watch
    this.#watches.set(watch, { fd, callback, events: 0, keepsAlive: false, closed: false })
    return watch
  }

  watchEvents(watch: Watch, events: number): number {
    const w = this.#watches.get(watch)!
    if (w.closed) return -EINVAL
    w.events = events
    return 0
  }

  watchRef(watch: Watch, keepsProcessAlive: boolean): void {
    this.#watches.get(watch)!.keepsAlive = keepsProcessAlive
  }

  watchClose(watch: Watch, done: () => void): void {
    const w = this.#watches.get(watch)!
    w.closed = true
    this.calls.push(`close ${w.fd}`)
    process.nextTick(done)
  }

  /** How the device's descriptor is watched. */
  get device(): FakeWatch {
    return [...this.#watches.values()].find((w) => w.fd < NETLINK_FD)!
  }

  /** Reports events of the device, those that are watched for; or an error. */
  ready(events: number): void {
    const { device } = this
    if (events < 0) device.callback(events)
    else if ((events & device.events) !== 0) device.callback(events & device.events)
  }

  /** Delivers frames in one batch. */
  receive(...frames: Uint8Array[]): void {
    this.incoming.push(...frames)
    this.ready(1)
  }

  /** Tells that the interface has changed. */
  announce(change: Partial<FakeNative['link']>, removed = false): void {
    Object.assign(this.link, change)
    this.#answers.push(this.#linkMessage(removed ? 17 : 16, 0))
    this.#netlink.callback(1)
  }

  /** Tells that messages were lost. */
  overrun(): void {
    this.#netlinkEnd = -ENOBUFS
    this.#netlink.callback(-EBADF)
  }

  get #netlink(): FakeWatch {
    return [...this.#watches.values()].find((w) => w.fd === NETLINK_FD)!
  }

  #answer(request: Uint8Array): number {
    const type = hostU16(request, 4)
    const sequence = hostU32(request, 8)
    this.calls.push(`rtnetlink ${type}`)
    let errno = -this.#result(`rtnetlink ${type}`, 0)
    if (type === 16) {
      if (hostU32(request, 28) !== 0) this.link.up = true
      if (hostU32(request, 0) > 32) this.link.mtu = hostU32(request, 36)
    } else if (type === 18) {
      if (!this.link.exists) errno = constants.errno.ENODEV
      else if (errno === 0) this.#answers.push(this.#linkMessage(16, sequence))
    } else if (type === 20) {
      this.addresses.push(request.slice(0, hostU32(request, 0)))
    } else {
      for (const address of this.addresses) {
        const answer = address.slice()
        putHostU32(answer, 8, sequence)
        this.#answers.push(answer)
      }
    }
    const end = new Uint8Array(20)
    putHostU32(end, 0, 20)
    putHostU16(end, 4, type === 22 ? 3 : 2)
    putHostU32(end, 8, sequence)
    putHostU32(end, 16, -errno)
    this.#answers.push(end)
    return 1
  }

  #linkMessage(message: number, sequence: number): Uint8Array {
    const { index, up, mtu, mac, name, type, packetInfo } = this.link
    const b = new Uint8Array(128)
    putHostU16(b, 4, message)
    putHostU32(b, 8, sequence)
    putHostU32(b, 20, index)
    putHostU32(b, 24, up ? 1 : 0)
    let end = 32
    const attribute = (kind: number, length: number, put: (at: number) => void): void => {
      putHostU16(b, end, 4 + length)
      putHostU16(b, end + 2, kind)
      put(end + 4)
      end = (end + 4 + length + 3) & ~3
    }
    attribute(4, 4, (at) => putHostU32(b, at, mtu))
    attribute(1, 6, (at) => writeMac(b, at, mac as ReturnType<typeof readMac>))
    attribute(3, name.length + 1, (at) => new TextEncoder().encodeInto(name, b.subarray(at)))
    const kind = type.length + 1
    attribute(18, ((4 + kind + 3) & ~3) + 12, (at) => {
      putHostU16(b, at, 4 + kind)
      putHostU16(b, at + 2, 1)
      new TextEncoder().encodeInto(type, b.subarray(at + 4))
      const data = (at + 4 + kind + 3) & ~3
      putHostU16(b, data, 4 + 5)
      putHostU16(b, data + 2, 2)
      putHostU16(b, data + 4, 5)
      putHostU16(b, data + 6, 4)
      b[data + 8] = packetInfo ? 1 : 0
    })
    putHostU32(b, 0, end)
    return b.slice(0, end)
  }
}
