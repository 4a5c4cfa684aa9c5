import type { Mac } from '@fata/addr'
import { type Gather, u16 } from '@fata/bytes'
import {
  createNetStats,
  type Fill,
  type FrameMeta,
  type Net,
  NetError,
  type NetListener,
  type NetStats,
  NO_OFFLOAD,
  type Offload,
} from '@fata/net'
import type { Runtime } from '@fata/runtime'
import type { Attachment } from './attach.ts'
import { EAGAIN, EIO, meansGone, succeed, systemError } from './errno.ts'
import { findInterface, type InterfaceInfo, UNSEEN } from './interface.ts'
import { frameLayout, VLAN_TAG } from './layout.ts'
import { type Native, READABLE, type Watch, WRITABLE } from './native.ts'
import type { CheckedOptions, InterfaceState } from './options.ts'
import { Receiver } from './receiver.ts'
import type { Rtnetlink } from './rtnetlink.ts'
import { Transmitter } from './transmitter.ts'
import type { NetlinkMessage } from './wire/netlink.ts'

const ETHERTYPE = 12
const ETHERTYPE_VLAN = 0x8100
const FULL_OFFLOAD: Offload = Object.freeze({ checksum: true, tso4: true, tso6: true })

/** A TAP or TUN device. */
export interface TunTapDevice extends Net {
  /** Name of the interface, as it was when the device was opened. */
  readonly name: string
  /** Of the interface, live. */
  readonly state: InterfaceState
  /** While it has a listener the device keeps the process alive: the default. */
  ref(): void
  /** The process may end although the device is open. */
  unref(): void
}

/** What a device is made of. It closes the descriptors. */
export interface DeviceParts {
  readonly native: Native
  readonly attachment: Attachment
  readonly netlink: Rtnetlink
  readonly info: InterfaceInfo
  /** Undefined for a TUN. */
  readonly mac: Mac | undefined
  readonly options: CheckedOptions
  readonly runtime: Runtime
}

/**
 * The event loop's side of a device. Frames that are written during a batch are flushed behind it; others at the end of the current
 * task: by process.nextTick, which runs before the loop takes the next callback, so payload is read while it must still be intact.
 */
export class Device implements TunTapDevice {
  readonly name: string
  readonly medium: 'ethernet' | 'ip'
  readonly mac: Mac | undefined
  readonly offload: Offload
  readonly stats: NetStats = createNetStats()
  readonly #parts: DeviceParts
  readonly #receiver: Receiver
  readonly #transmitter: Transmitter
  readonly #watch: Watch
  readonly #netlinkWatch: Watch
  #index: number
  #mtu: number
  #state: InterfaceState
  #listener: NetListener | undefined
  #inBatch = false
  #flushScheduled = false
  #blocked = false
  #keepsAlive = true
  #closing: Promise<void> | undefined
  #drained: (() => void) | undefined

  constructor(parts: DeviceParts) {
    const { native, attachment, info, mac, options } = parts
    const { fd, vnet } = attachment
    this.#parts = parts
    this.name = attachment.name
    this.mac = mac
    this.medium = mac === undefined ? 'ip' : 'ethernet'
    this.offload = vnet ? FULL_OFFLOAD : NO_OFFLOAD
    this.#index = info.index
    this.#mtu = info.mtu
    this.#state = info.up ? 'up' : 'down'
    const layout = frameLayout(this.medium, vnet)
    const { offload, stats } = this
    this.#receiver = new Receiver({ native, fd, layout, stats, listener: () => this.#listener })
    const longestFrame = (buf: Uint8Array, off: number): number =>
      this.#mtu + layout.link + (layout.link > 0 && u16(buf, off + ETHERTYPE) === ETHERTYPE_VLAN ? VLAN_TAG : 0)
    this.#transmitter = new Transmitter(
      {
        ...{ native, fd, layout, offload, stats, longestFrame },
        written: () => this.#scheduleFlush(),
        blocked: () => this.#setBlocked(true),
        taken: () => this.#infer('up'),
        refused: (errno) => this.#refused(errno),
      },
      options.queueBytes,
    )
    this.#watch = this.#startWatch(fd, (events) => this.#ready(events))
    this.#netlinkWatch = this.#startWatch(parts.netlink.fd, () => this.#hear())
  }

  get mtu(): number {
    return this.#mtu
  }

  get state(): InterfaceState {
    return this.#state
  }

  write(size: number, fill: Fill, meta?: FrameMeta, payload?: Gather): void {
    if (this.#closing !== undefined) throw new NetError('ERR_NET_CLOSED', `${this.name} is closed`)
    this.#transmitter.write(size, fill, meta, payload)
  }

  listen(listener: NetListener): void {
    if (this.#closing !== undefined) return
    this.#listener = listener
    this.#applyRef()
  }

  ref(): void {
    this.#keepsAlive = true
    this.#applyRef()
  }

  unref(): void {
    this.#keepsAlive = false
    this.#applyRef()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#listener = undefined
    this.#transmitter.flush()
    this.#arm(false)
    if (this.#blocked) await this.#linger()
    const { native } = this.#parts
    const closed = [this.#watch, this.#netlinkWatch].map(
      (watch) => new Promise<void>((resolve) => native.watchClose(watch, resolve)),
    )
    await Promise.all(closed)
  }

  /** Waits until the queue has been sent, but not for ever. */
  #linger(): Promise<void> {
    const { runtime, options } = this.#parts
    return new Promise((resolve) => {
      const timer = runtime.clock.schedule(runtime.clock.now() + options.lingerMs, () => {
        this.#transmitter.dropQueue('closed')
        this.#setBlocked(false)
      })
      this.#drained = () => {
        timer.cancel()
        resolve()
      }
    })
  }

  #startWatch(fd: number, ready: (events: number) => void): Watch {
    const { native } = this.#parts
    const watch = native.watch(fd, ready)
    if (typeof watch === 'number') throw systemError(watch, 'uv_poll_init')
    succeed(native.watchEvents(watch, READABLE), 'uv_poll_start')
    return watch
  }

  /** Watches for what is of interest. */
  #arm(reading: boolean): void {
    if (this.#state === 'gone') return
    this.#parts.native.watchEvents(this.#watch, (reading ? READABLE : 0) | (this.#blocked ? WRITABLE : 0))
  }

  #applyRef(): void {
    if (this.#closing !== undefined) return
    this.#parts.native.watchRef(this.#watch, this.#keepsAlive && this.#listener !== undefined)
  }

  #setBlocked(blocked: boolean): void {
    if (this.#blocked === blocked) return
    this.#blocked = blocked
    this.#arm(this.#closing === undefined)
    if (!blocked) this.#drained?.()
  }

  #scheduleFlush(): void {
    if (this.#inBatch || this.#flushScheduled) return
    this.#flushScheduled = true
    process.nextTick(() => {
      this.#flushScheduled = false
      this.#transmitter.flush()
    })
  }

  #ready(events: number): void {
    // libuv reports an error condition once and stops watching: a TAP has one when its interface is no more.
    if (events < 0) this.#lose()
    else {
      if ((events & WRITABLE) !== 0 && this.#transmitter.drain()) this.#setBlocked(false)
      if ((events & READABLE) !== 0) this.#receiveBatch()
    }
  }

  #receiveBatch(): void {
    let n = 0
    this.#inBatch = true
    try {
      n = this.#receiver.receive()
      if (n > 0) this.#listener?.batchEnd?.()
    } finally {
      this.#inBatch = false
      this.#transmitter.flush()
    }
    if (n > 0) this.#infer('up')
    if (n < 0 && n !== -EAGAIN) this.#lose()
  }

  #refused(errno: number): void {
    if (errno === EIO) this.#infer('down')
    else if (meansGone(errno)) this.#lose()
  }

  /** Takes what happens to frames as a sign of the state, where rtnetlink does not tell. */
  #infer(state: InterfaceState): void {
    if (this.#index === UNSEEN) this.#setState(state)
  }

  #lose(): void {
    if (this.#state === 'gone') return
    this.#parts.native.watchEvents(this.#watch, 0)
    this.#setState('gone')
    this.#transmitter.dropQueue('interface-gone')
    this.#setBlocked(false)
  }

  #setState(state: InterfaceState): void {
    if (this.#state === state || this.#state === 'gone') return
    this.#state = state
    const { runtime, options } = this.#parts
    runtime.log.log(state === 'gone' ? 'error' : 'warn', 'tap', `the interface is ${state}`, { name: this.name })
    const { onState } = options
    if (onState !== undefined) process.nextTick(onState, state)
  }

  /** Takes note of what the kernel tells of interfaces. */
  #hear(): void {
    const { netlink, native } = this.#parts
    if (netlink.drain((message) => this.#note(message)) < 0) {
      // Messages were lost.
      const link = findInterface(netlink, this.name)
      if (link !== undefined) this.#note(link)
    }
    if (this.#closing === undefined) native.watchEvents(this.#netlinkWatch, READABLE)
  }

  #note(message: NetlinkMessage): void {
    if (message.kind !== 'link' || message.index !== this.#index) return
    // Removed from this namespace: the descriptor knows whether it is gone or has moved to another.
    if (message.removed) this.#index = UNSEEN
    else {
      if (message.mtu !== undefined) this.#mtu = message.mtu
      this.#setState(message.up ? 'up' : 'down')
    }
  }
}
