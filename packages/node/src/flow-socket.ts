import { Buffer } from 'node:buffer'
import { Duplex } from 'node:stream'
import { type Endpoint, formatIp, isIpv4 } from '@fata/addr'
import { IdleTimer } from './idle-timer.ts'
import type { DuplexOptions, DuplexSource, FlowDuplex } from './interface.ts'
import { toNodeError } from './node-error.ts'

/** Chunks that wait together are sent as one up to this size: a head and its body travel in one segment. */
const JOIN_BYTES = 65536
const HIGH_WATER_BYTES = 65536
/** The longest delay of Node's timers. */
const LONGEST_DELAY_MS = 0x7fffffff

type Done = (error?: Error | null) => void

export class FlowSocket extends Duplex implements FlowDuplex {
  connecting = false
  bytesRead = 0
  timeout: number | undefined
  readonly #flow: DuplexSource
  readonly #local: Endpoint | undefined
  readonly #remote: Endpoint | undefined
  readonly #idle: IdleTimer = new IdleTimer()
  #reading = false
  #handedOver = 0
  #inFlight = 0

  constructor(flow: DuplexSource, options: DuplexOptions) {
    // As net.Socket, it emits 'close' itself, to say whether there was an error.
    super({ allowHalfOpen: options.allowHalfOpen ?? false, emitClose: false, highWaterMark: HIGH_WATER_BYTES })
    this.#flow = flow
    this.#local = options.local ?? flow.local
    this.#remote = options.remote ?? flow.remote
    // The end and the failure of the flow are noticed while nobody reads.
    this.read(0)
  }

  get pending(): boolean {
    return this.connecting
  }

  get readyState(): FlowDuplex['readyState'] {
    if (this.connecting) return 'opening'
    if (this.readable) return this.writable ? 'open' : 'readOnly'
    return this.writable ? 'writeOnly' : 'closed'
  }

  get remoteAddress(): string | undefined {
    return this.#remote && formatIp(this.#remote.address)
  }

  get remotePort(): number | undefined {
    return this.#remote?.port
  }

  get remoteFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.#remote && familyOf(this.#remote)
  }

  get localAddress(): string | undefined {
    return this.#local && formatIp(this.#local.address)
  }

  get localPort(): number | undefined {
    return this.#local?.port
  }

  get localFamily(): 'IPv4' | 'IPv6' | undefined {
    return this.#local && familyOf(this.#local)
  }

  get bytesWritten(): number {
    return this.#handedOver + this.writableLength - this.#inFlight
  }

  address(): ReturnType<FlowDuplex['address']> {
    const local = this.#local
    return local === undefined ? {} : { address: formatIp(local.address), family: familyOf(local), port: local.port }
  }

  connect(...args: unknown[]): this {
    const listener = args.find((arg) => typeof arg === 'function')
    if (listener !== undefined) this.once('connect', listener as () => void)
    this.connecting = true
    process.nextTick(() => {
      this.connecting = false
      if (this.destroyed) return
      this.emit('connect')
      this.emit('ready')
    })
    return this
  }

  destroySoon(): void {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', this.destroy)
  }

  resetAndDestroy(): this {
    if (this.destroyed) return this
    this.#flow.abort()
    return this.destroy()
  }

  setNoDelay(noDelay = true): this {
    this.#flow.configure?.({ noDelay: Boolean(noDelay) })
    return this
  }

  setKeepAlive(enable = false, initialDelayMs = 0): this {
    // As with Node's sockets a delay of 0 keeps the default.
    const keepalive = Boolean(enable) && (initialDelayMs > 0 ? { idleMs: initialDelayMs } : true)
    this.#flow.configure?.({ keepalive })
    return this
  }

  setTimeout(ms: number, listener?: () => void): this {
    if (typeof ms !== 'number') throw new TypeError(`a timeout must be a number of ms, got ${ms}`)
    if (!(ms >= 0 && ms < Number.POSITIVE_INFINITY))
      throw new RangeError(`a timeout must be finite and at least 0 ms, got ${ms}`)
    if (this.destroyed) return this
    this.timeout = ms
    this.#idle.set(Math.min(ms, LONGEST_DELAY_MS), () => this.emit('timeout'))
    if (listener === undefined) return this
    return ms === 0 ? this.removeListener('timeout', listener) : this.once('timeout', listener)
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    if (this.#reading) return
    this.#reading = true
    this.#flow.read().then(
      (chunk) => {
        this.#reading = false
        this.#receive(chunk)
      },
      (error: unknown) => this.#fail(error, 'read'),
    )
  }

  #receive(chunk: Uint8Array | null): void {
    if (this.destroyed) return
    this.#idle.refresh()
    if (chunk === null) {
      this.push(null)
      // So that 'end' comes, and the other direction is ended, also while nobody reads.
      this.read(0)
      return
    }
    this.bytesRead += chunk.length
    this.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length))
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#send([chunk], done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: Done): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      done,
    )
  }

  /**
   * The flow keeps what it is given, while Node's writers may reuse their memory after the callback: hence copies. They are plain
   * arrays, since `slice` of a Buffer is no copy.
   */
  #send(chunks: Buffer[], done: Done): void {
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
    this.#handedOver += length
    this.#inFlight = length
    this.#idle.refresh()
    const copies = length <= JOIN_BYTES ? [Buffer.concat(chunks)] : chunks.map((chunk) => Buffer.from(chunk))
    Promise.all(copies.map((copy) => this.#flow.write(new Uint8Array(copy.buffer, copy.byteOffset, copy.length)))).then(
      () => {
        this.#inFlight = 0
        this.#idle.refresh()
        done()
      },
      (error: unknown) => done(toNodeError(error, 'write') as Error),
    )
  }

  override _final(done: Done): void {
    this.#flow.shutdown().then(
      () => done(),
      (error: unknown) => done(toNodeError(error, 'shutdown') as Error),
    )
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#idle.set(0, () => {})
    void this.#flow.close()
    done(error)
    process.nextTick(() => this.emit('close', error !== null))
  }

  #fail(error: unknown, syscall: string): void {
    if (!this.destroyed) this.destroy(toNodeError(error, syscall) as Error)
  }
}

function familyOf(endpoint: Endpoint): 'IPv4' | 'IPv6' {
  return isIpv4(endpoint.address) ? 'IPv4' : 'IPv6'
}
