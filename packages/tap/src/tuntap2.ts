import { type Mac, parseMac, randomMac } from '@fata/addr'
import { copyGather, type Gather } from '@fata/bytes'
import {
  checkOffload,
  countDrop,
  createFrameMeta,
  createNetStats,
  type Fill,
  type FrameMeta,
  type Net,
  NetError,
  type NetListener,
  type NetStats,
  NO_OFFLOAD,
  type Offload,
  resetFrameMeta,
} from '@fata/net'
import { type Runtime, systemRuntime } from '@fata/runtime'
import { frameLayout } from './layout.ts'

/** What is used of a device of `tuntap2` and its forks: their `Tap`, `Tun`, `LinuxTap`, `LinuxTun`. Streams' rules apply. */
export interface Tuntap2Device {
  /** Largest IP packet in bytes. */
  readonly mtu: number
  /** Of the host's side. The getter may throw while the interface is down. */
  readonly mac?: string
  /** Its frames are IP packets. */
  readonly isTun?: boolean
  /** Bytes that wait in the device. */
  readonly writableLength?: number
  /** `'data'` brings one frame. */
  on(event: 'data', listener: (frame: Uint8Array) => void): unknown
  /** `'error'`: it carries nothing any more; `'drain'`: it has room again. */
  on(event: 'error' | 'drain', listener: (error: Error) => void): unknown
  /** Returns false where the device would rather wait for `'drain'`. */
  write(frame: Uint8Array): boolean
  /** Closes it. */
  release(done?: () => void): void
}

/** Every field is optional. */
export interface Tuntap2Options {
  /** Own address: not that of the host's side. Default: a random locally administered one. */
  readonly mac?: Mac
  /** Bytes of frames that may wait in the device; more are dropped as `queue-full`. Default 1 MiB. */
  readonly queueBytes?: number
  /** How long `close` waits for the device, which may never answer while it waits for a frame. Default 1000. */
  readonly lingerMs?: number
}

type Limits = Required<Omit<Tuntap2Options, 'mac'>>

const defaults: Limits = Object.freeze({ queueBytes: 0x10_0000, lingerMs: 1000 })

/**
 * Makes a `Net` of a device that somebody else's addon opened, for platforms that `openTap` does not know: it has neither batches nor
 * offloads, and a frame costs tens of microseconds. The MTU is read once. `close` releases the device.
 */
export function fromTuntap2(
  device: Tuntap2Device,
  options: Tuntap2Options = {},
  runtime: Runtime = systemRuntime(),
): Net {
  const { queueBytes, lingerMs, mac } = { ...defaults, ...options }
  if (!(queueBytes >= 0)) throw new RangeError(`queueBytes must not be negative, got ${queueBytes}`)
  if (!(lingerMs >= 0)) throw new RangeError(`lingerMs must not be negative, got ${lingerMs}`)
  return new Tuntap2Net(device, device.isTun === true ? undefined : (mac ?? otherMac(device, runtime)), runtime, {
    queueBytes,
    lingerMs,
  })
}

/** A random address that is not the host's. */
function otherMac(device: Tuntap2Device, { random }: Runtime): Mac {
  const theirs = hostMac(device)
  for (;;) {
    const mac = randomMac(random.uint32(), random.uint32())
    if (mac !== theirs) return mac
  }
}

function hostMac(device: Tuntap2Device): Mac | undefined {
  try {
    return parseMac(device.mac ?? '')
  } catch {
    return undefined
  }
}

class Tuntap2Net implements Net {
  readonly medium: 'ethernet' | 'ip'
  readonly mac: Mac | undefined
  readonly mtu: number
  readonly offload: Offload = NO_OFFLOAD
  readonly stats: NetStats = createNetStats()
  readonly #device: Tuntap2Device
  readonly #runtime: Runtime
  readonly #limits: Limits
  readonly #longest: number
  readonly #shortest: number
  readonly #meta = createFrameMeta()
  #listener: NetListener | undefined
  #isFull = false
  #isBroken = false
  #closing: Promise<void> | undefined

  constructor(device: Tuntap2Device, mac: Mac | undefined, runtime: Runtime, limits: Limits) {
    this.#device = device
    this.#runtime = runtime
    this.#limits = limits
    this.mac = mac
    this.medium = mac === undefined ? 'ip' : 'ethernet'
    this.mtu = device.mtu
    const layout = frameLayout(this.medium, false)
    this.#longest = this.mtu + layout.link
    this.#shortest = layout.shortest
    device.on('data', (frame) => this.#receive(frame))
    device.on('drain', () => {
      this.#isFull = false
    })
    device.on('error', (error) => {
      this.#isBroken = true
      if (this.#closing === undefined) runtime.log.log('error', 'tap', 'the device failed', { error: error.message })
    })
  }

  write(size: number, fill: Fill, meta?: FrameMeta, payload?: Gather): void {
    if (this.#closing !== undefined) throw new NetError('ERR_NET_CLOSED', 'the device is closed')
    const rest = payload === undefined ? 0 : payload.length
    if (size + rest > this.#longest)
      throw new NetError('ERR_NET_FRAME_TOO_LONG', `a frame of ${size + rest} bytes exceeds ${this.#longest}`)
    // The device keeps the frame until a thread has written it, so each has memory of its own.
    const frame = new Uint8Array(size + rest)
    const used = fill(frame, 0)
    if (!(used >= 0 && used <= size)) throw new RangeError(`fill wrote ${used} of ${size} bytes`)
    if (meta !== undefined) checkOffload(meta, NO_OFFLOAD)
    const end = used + (payload === undefined ? 0 : copyGather(frame, used, payload))
    this.#send(end === frame.length ? frame : frame.subarray(0, end))
  }

  #send(frame: Uint8Array): void {
    const waiting = this.#device.writableLength ?? (this.#isFull ? Number.POSITIVE_INFINITY : 0)
    const refusal = this.#isBroken
      ? 'device-error'
      : waiting + frame.length > this.#limits.queueBytes
        ? 'queue-full'
        : undefined
    if (refusal !== undefined) {
      countDrop(this.stats.txDropped, refusal)
      return
    }
    this.stats.txFrames++
    this.stats.txBytes += frame.length
    this.#isFull = !this.#device.write(frame)
  }

  #receive(frame: Uint8Array): void {
    const listener = this.#listener
    if (listener === undefined || frame.length < this.#shortest) {
      const refusal = this.#closing !== undefined ? 'closed' : listener === undefined ? 'no-listener' : 'too-short'
      countDrop(this.stats.rxDropped, refusal)
      return
    }
    this.stats.rxFrames++
    this.stats.rxBytes += frame.length
    resetFrameMeta(this.#meta)
    listener.frame(frame, 0, frame.length, this.#meta)
    this.#listener?.batchEnd?.()
  }

  listen(listener: NetListener): void {
    if (this.#closing === undefined) this.#listener = listener
  }

  close(): Promise<void> {
    this.#closing ??= this.#release()
    return this.#closing
  }

  #release(): Promise<void> {
    this.#listener = undefined
    const { clock } = this.#runtime
    return new Promise((resolve) => {
      const timer = clock.schedule(clock.now() + this.#limits.lingerMs, resolve)
      this.#device.release(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}
