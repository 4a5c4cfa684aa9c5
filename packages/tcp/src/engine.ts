import type { IpAddress } from '@fata/addr'
import type { Ip } from '@fata/ip'
import type { Offload } from '@fata/net'
import type { Clock, Logger, Random, Timer } from '@fata/runtime'
import { ConnectionTable } from './connection-table.ts'
import { remove } from './core/close.ts'
import { Connection, type ConnectionId } from './core/connection.ts'
import { type Context, createContext } from './core/context.ts'
import type { Opening } from './core/open.ts'
import { createOutgoing, type Outgoing } from './core/outgoing.ts'
import { Packer } from './core/parking.ts'
import { onTooBig } from './core/recovery.ts'
import type { Path } from './core/reports.ts'
import { setPath } from './core/segment-size.ts'
import { emit } from './core/send.ts'
import { NEED_RESET } from './core/signals.ts'
import { deadline, expire, settleTimers } from './core/timers.ts'
import type { CheckedFlowOptions } from './flow-options.ts'
import type { TcpFlow } from './interface.ts'
import { createSequenceNumbers, type SequenceNumbers } from './isn.ts'
import { ListenTable } from './listen-table.ts'
import type { ConnectionListener, ListenerHost } from './listener.ts'
import type { TcpConfig } from './options.ts'
import type { Owner, Parking } from './owner.ts'
import type { TcpStats } from './stats.ts'
import { TimerWheel } from './timer-wheel.ts'
import { Transmitter } from './transmitter.ts'

/** A timer that comes later than this says that the thread was busy. */
const LATE_MS = 5
/** How often a flow vouches for its next hop: well within DELAY_FIRST_PROBE_TIME of RFC 4861 §10. */
const CONFIRM_MS = 2000

/** What TCP needs. `ip` may serve one family or both. */
export interface TcpDeps {
  readonly ip: Ip
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger | undefined
}

/**
 * Runs all connections: the only one who knows the clock and the IP layer. Whatever changes a connection lists it once; when the batch
 * or the application's task is over, `flush` tells its events, lets it send, and sets its timer.
 */
export class Engine implements ListenerHost {
  readonly context: Context
  readonly table: ConnectionTable
  readonly listeners: ListenTable = new ListenTable()
  /** In order of arrival there, oldest first. */
  readonly timeWait: Set<Connection> = new Set()
  /** Called when a connection has gone or has nothing to do but wait in TIME-WAIT. */
  onQuiet: (() => void) | undefined
  readonly #ip: Ip
  readonly #clock: Clock
  readonly #log: Logger
  readonly #numbers: SequenceNumbers
  readonly #wheel: TimerWheel
  readonly #transmitter: Transmitter
  readonly #packer: Packer
  readonly #out: Outgoing = createOutgoing()
  readonly #touched: Connection[] = []
  /** The time, read once per batch; NaN outside of one. */
  #batchNow = Number.NaN
  #flushing = false
  #scheduled = false
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY

  constructor({ ip, clock, random }: TcpDeps, log: Logger, config: TcpConfig, stats: TcpStats) {
    this.#ip = ip
    this.#clock = clock
    this.#log = log
    this.context = createContext(config, stats, random)
    this.table = new ConnectionTable(random, this.#unpack)
    this.#packer = new Packer(this.context)
    this.#numbers = createSequenceNumbers(random)
    this.#wheel = new TimerWheel(clock.now())
    this.#transmitter = new Transmitter(ip, stats)
  }

  now(): number {
    return Number.isNaN(this.#batchNow) ? this.#clock.now() : this.#batchNow
  }

  touch(c: Connection): void {
    this.list(c)
    if (this.#scheduled || this.#flushing || !Number.isNaN(this.#batchNow)) return
    this.#scheduled = true
    // Two turns of the promise queue, so that what the application does behind one `await` still comes before: a small write may
    // share a segment with the next one, the last one with the FIN.
    void Promise.resolve().then(nothing).then(this.#flushScheduled)
  }

  /** As `touch`, for those who flush themselves. */
  list(c: Connection): void {
    if (c.touched) return
    c.touched = true
    this.#touched.push(c)
  }

  /** Segments are about to be processed; `flush` ends the batch. */
  beginBatch(): number {
    if (Number.isNaN(this.#batchNow)) this.#batchNow = this.#clock.now()
    return this.#batchNow
  }

  /** A batch is over; there may have been nothing for TCP in it. */
  endBatch(): void {
    if (!Number.isNaN(this.#batchNow) || this.#touched.length > 0) this.flush()
  }

  /** Sends what is owed, tells what has happened, sets timers. */
  flush(): void {
    if (this.#flushing) return
    this.#flushing = true
    try {
      const now = this.beginBatch()
      this.#expire(now)
      for (let i = 0; i < this.#touched.length; i++) this.#serve(this.#touched[i]!, now)
    } finally {
      this.#touched.length = 0
      this.#flushing = false
      this.#batchNow = Number.NaN
    }
    this.#armClock()
  }

  /** Makes room for one more connection; false where that is not possible. */
  makeRoom(): boolean {
    if (this.table.size < this.context.config.maxConnections) return true
    const [oldest] = this.timeWait
    if (oldest === undefined) return false
    this.refuse(oldest, true)
    return true
  }

  /** A connection in CLOSED, in no table yet. */
  create(id: ConnectionId, chosen: CheckedFlowOptions): Connection {
    return new Connection(this.context, id, chosen)
  }

  /** Takes `c` into the table. */
  adopt(c: Connection): void {
    this.table.add(c)
    this.list(c)
  }

  refuse(c: Connection, silent: boolean): void {
    if (c.state !== 'CLOSED') remove(c)
    if (!silent) c.needs |= NEED_RESET
    this.#unlink(c)
    this.touch(c)
  }

  onFlowFailed(flow: TcpFlow, error: unknown): void {
    if (this.#log.enabled('error')) this.#log.log('error', 'tcp', 'a listener has failed', { error })
    flow.abort(error)
  }

  wake(parking: Parking): Connection {
    const c = this.table.wake(parking)
    this.touch(c)
    return c
  }

  unlisten(listener: ConnectionListener): void {
    this.listeners.remove(listener)
  }

  /** The way to a peer. Throws IpError. */
  path(remote: IpAddress): Path {
    return { mtu: this.#ip.mtu(remote), offload: this.#ip.offload(remote) }
  }

  /** What a new connection begins with. Throws IpError. */
  opening(c: Connection, now: number): Opening {
    const { mtu, offload } = this.path(c.remote)
    return {
      iss: this.#numbers.initial(c.local, c.localPort, c.remote, c.remotePort, now),
      tsOffset: this.#numbers.timestampOffset(c.local, c.localPort, c.remote, c.remotePort),
      pathMtu: mtu,
      offload,
    }
  }

  /** Sends what `c` owes, which is in no table and is forgotten then. */
  sendOnce(c: Connection, now: number): void {
    if (emit(c, this.#out, now)) this.#transmitter.send(this.#out, c.offload)
  }

  /** Sends a segment that belongs to no connection. */
  sendReply(out: Outgoing, offload: Offload): void {
    this.context.stats.resetsOut++
    this.#transmitter.send(out, offload)
  }

  /** Lets go of the clock. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  readonly #flushScheduled = (): void => {
    this.#scheduled = false
    this.flush()
  }

  #serve(c: Connection, now: number): void {
    c.touched = false
    this.#tell(c)
    while (emit(c, this.#out, now)) {
      const error = this.#transmitter.send(this.#out, c.offload)
      if (error !== undefined && !this.#onRefused(c, error)) break
    }
    this.#tell(c)
    if (c.slot < 0) return
    if (c.state === 'CLOSED') {
      this.#unlink(c)
      return
    }
    if (c.state === 'TIME-WAIT') this.#noteTimeWait(c)
    if (now >= c.confirmAt) this.#confirm(c, now)
    settleTimers(c, now)
    const at = deadline(c)
    if (at !== Number.POSITIVE_INFINITY) this.#wheel.arm(c.slot, at)
    else if (c.state === 'ESTABLISHED') this.#rest(c, now)
  }

  /** Forward progress, RFC 4861 §7.3.1: something sent has been acknowledged, or new data says that acknowledgments arrive. */
  #confirm(c: Connection, now: number): void {
    const progress = (c.sndUna + c.rcvNxt) | 0
    if (progress === c.confirmed || c.state === 'SYN-SENT' || c.state === 'SYN-RECEIVED') return
    c.confirmed = progress
    c.confirmAt = now + CONFIRM_MS
    this.#ip.confirm(c.remote)
  }

  /** Nothing is to be done about `c`: when it has been silent for long, it is packed. */
  #rest(c: Connection, now: number): void {
    const at = Math.max(c.heardAt, c.sentAt) + this.context.config.parkAfterMs
    if (at === Number.POSITIVE_INFINITY) return
    if (at > now) {
      this.#wheel.arm(c.slot, at)
      return
    }
    const parking = (c.owner as Owner | undefined)?.parking
    const packed = parking === undefined ? undefined : this.#packer.pack(c)
    if (packed === undefined) return
    this.#wheel.disarm(c.slot)
    this.table.park(c, parking!)
    parking!.park(packed, c.chosen)
    this.context.stats.parked++
  }

  readonly #unpack = (parking: Parking): Connection => {
    const c = this.#packer.unpack(parking.packed!, parking.chosen)
    c.owner = parking
    try {
      c.offload = this.path(c.remote).offload
    } catch {
      // There is no way to the peer at this time: sending will say so.
    }
    parking.unpark(c)
    this.context.stats.parked--
    // Who has not used it when it is served is packed again.
    this.list(c)
    return c
  }

  #tell(c: Connection): void {
    const { events } = c
    if (events === 0) return
    c.events = 0
    ;(c.owner as Owner | undefined)?.onEvents(c, events)
  }

  /** The IP layer has not taken a segment, which counts as lost on the way. Returns whether it is worth sending on. */
  #onRefused(c: Connection, error: Error): boolean {
    const { code } = error as Error & { readonly code: string }
    if (code === 'ERR_IP_WOULD_FRAGMENT') {
      const { mtu, offload } = this.path(c.remote)
      if (!setPath(c, mtu, offload)) return false
      onTooBig(c)
      return true
    }
    c.softError = 'net-unreachable'
    if (c.state === 'SYN-SENT') {
      this.context.stats.attemptFails++
      remove(c, 'ERR_TCP_UNREACHABLE')
    }
    return false
  }

  #noteTimeWait(c: Connection): void {
    if (this.timeWait.has(c)) return
    this.timeWait.add(c)
    if (this.timeWait.size > this.context.config.timeWaitLimit) {
      const [oldest] = this.timeWait
      if (oldest !== undefined) this.refuse(oldest, true)
    }
    this.onQuiet?.()
  }

  #unlink(c: Connection): void {
    if (c.slot < 0) return
    this.#wheel.disarm(c.slot)
    this.table.remove(c)
    this.timeWait.delete(c)
    this.onQuiet?.()
  }

  /** Runs the timers that have expired. */
  #expire(now: number): void {
    this.#wheel.advance(now)
    for (const slot of this.#wheel.fired) {
      const c = this.table.bySlot[slot]
      if (c === undefined) continue
      if (deadline(c) <= now) expire(c, now)
      this.list(c)
    }
  }

  /** One timer of the clock for all connections. It stays where it is when deadlines move out. */
  #armClock(): void {
    const at = this.#wheel.nextAt()
    if (at === Number.POSITIVE_INFINITY) {
      this.stop()
      return
    }
    if (at >= this.#timerAt) return
    this.#timer?.cancel()
    this.#timerAt = at
    this.#timer = this.#clock.schedule(at, this.#onTimer)
  }

  readonly #onTimer = (): void => {
    const late = this.#clock.now() - this.#timerAt
    this.#timerAt = Number.POSITIVE_INFINITY
    // This thread was busy: what has arrived in the meantime comes first, lest its absence is taken for a loss.
    if (late > LATE_MS) this.#clock.defer(() => this.flush())
    else this.flush()
  }
}

function nothing(): void {}
