import type { Ipv6, Mac } from '@fata/addr'
import { assert } from '@fata/bytes'
import { countDrop, type DropCounts } from '@fata/net'
import type { Random } from '@fata/runtime'
import { AddressTable } from './address-table.ts'
import {
  type Advertised,
  expiryOf,
  type Neighbor,
  type NeighborOptions,
  type NeighborOut,
  type NeighborState,
} from './neighbor.ts'
import { Outbox } from './outbox.ts'
import { PacketQueues } from './packet-queues.ts'
import { type QueuedPacket, sourceOf } from './queued-packet.ts'
import { ReachableTime } from './reachable-time.ts'

const STALE: NeighborState = { kind: 'stale' }
const GONE: NeighborState = { kind: 'gone' }
const NEVER = Number.POSITIVE_INFINITY
/** MAX_MULTICAST_SOLICIT and MAX_UNICAST_SOLICIT of RFC 4861 §10, MAX_RETRANS_TIMER of RFC 7048 §4. */
const MAX_SOLICIT = 3
const MAX_RETRANS_TIMER_MS = 60_000
/** Transports confirm with every acknowledgement; more than one per second is of no use. */
const FRESH_MS = 1000

/** What is known of neighbors, and how it comes to be known. */
export class NeighborCache {
  readonly #options: NeighborOptions
  readonly #dropped: DropCounts
  readonly #table: AddressTable<Neighbor>
  readonly #queues: PacketQueues
  readonly #reachableTime: ReachableTime
  readonly #out = new Outbox<NeighborOut>()
  /** No deadline lies before it; it may lie before the first one. */
  #nextAt = NEVER
  #retransTimerMs: number

  /** Discarded packets are counted in `dropped`. */
  constructor(options: NeighborOptions, random: Random, dropped: DropCounts) {
    this.#options = options
    this.#dropped = dropped
    this.#table = new AddressTable(options.maxNeighbors, random.uint32())
    this.#queues = new PacketQueues(options.maxQueuedPackets, options.maxQueuedBytes, dropped)
    this.#retransTimerMs = options.retransTimerMs
    this.#reachableTime = new ReachableTime(options.reachableTimeMs, random)
  }

  /** RetransTimer of RFC 4861 §6.3.2. */
  get retransTimerMs(): number {
    return this.#retransTimerMs
  }

  /** Copies the variables of a router advertisement that are not 0, RFC 4861 §6.3.4. */
  configure(now: number, reachableTimeMs: number, retransTimerMs: number): void {
    if (retransTimerMs !== 0) this.#retransTimerMs = retransTimerMs
    if (reachableTimeMs !== 0) this.#reachableTime.setBase(now, reachableTimeMs)
  }

  /** The entry, whatever its state. */
  get(address: Ipv6): Neighbor | undefined {
    return this.#table.get(address)
  }

  *[Symbol.iterator](): Generator<Neighbor, void, void> {
    yield* this.#table
  }

  /** There is a packet for `address`, with source `src`. The answer's `mac` is known, or the packet must be queued. */
  use(now: number, address: Ipv6, src: Ipv6): Neighbor {
    const neighbor = this.#table.get(address) ?? this.#create(address)
    this.#table.touch(neighbor)
    if (neighbor.state === GONE) this.#solicitFirst(now, neighbor, src)
    else if (neighbor.state.kind === 'stale') {
      const until = now + this.#options.delayFirstProbeMs
      neighbor.state = { kind: 'delay', until }
      this.#schedule(until)
    }
    return neighbor
  }

  /** A settled neighbor has been sent to. */
  touch(neighbor: Neighbor): void {
    this.#table.touch(neighbor)
  }

  /** Lets `packet` wait for the address of an incomplete neighbor. The oldest one gives way where there is no room. */
  queue(neighbor: Neighbor, packet: QueuedPacket): void {
    assert(neighbor.state.kind === 'incomplete', 'only an unknown address is waited for')
    this.#queues.push(neighbor.queue, packet)
  }

  /** Asks once whether a router answers that is not in use, RFC 4191 §3.5. */
  probe(now: number, address: Ipv6): void {
    const known = this.#table.get(address)
    if (known !== undefined) {
      if (known.state.kind !== 'stale') return
      this.#solicitAgain(now, known, 'probe', this.#options.maxUnicastSolicit)
      this.#schedule(now + this.#retransTimerMs)
      return
    }
    const neighbor = this.#create(address)
    this.#solicitFirst(now, neighbor, undefined)
    neighbor.state = {
      kind: 'incomplete',
      sent: this.#options.maxMulticastSolicit,
      at: now + this.#retransTimerMs,
    }
  }

  #solicitFirst(now: number, neighbor: Neighbor, src: Ipv6 | undefined): void {
    const at = now + this.#retransTimerMs
    neighbor.state = { kind: 'incomplete', sent: 1, at }
    this.#schedule(at)
    this.#out.push({ kind: 'solicit', target: neighbor.address, to: undefined, src })
  }

  /** A valid neighbor advertisement about `target`: RFC 4861 §7.2.5. */
  advertised(now: number, target: Ipv6, said: Advertised): void {
    const neighbor = this.#table.get(target)
    if (neighbor === undefined) return
    if (neighbor.state.kind === 'incomplete') {
      if (said.mac === undefined) return
      this.#setRouter(neighbor, said.router)
      this.#resolved(now, neighbor, said.mac, said.solicited)
      return
    }
    const other = said.mac !== undefined && said.mac !== neighbor.mac
    if (other && !said.override) {
      if (neighbor.state.kind === 'reachable') neighbor.state = STALE
      return
    }
    if (other) neighbor.mac = said.mac
    if (said.solicited) this.#reached(now, neighbor)
    else if (other) neighbor.state = STALE
    this.#setRouter(neighbor, said.router)
  }

  #setRouter(neighbor: Neighbor, router: boolean): void {
    if (neighbor.isRouter && !router) this.#out.push({ kind: 'no-router', address: neighbor.address })
    neighbor.isRouter = router
  }

  #resolved(now: number, neighbor: Neighbor, mac: Mac, solicited: boolean): void {
    neighbor.mac = mac
    if (solicited) this.#reached(now, neighbor)
    else neighbor.state = STALE
    if (neighbor.queue.length === 0) return
    // Sending the queued packets is use: a stale neighbor has to be verified.
    this.use(now, neighbor.address, sourceOf(neighbor.queue[0]!))
    for (const packet of this.#queues.take(neighbor.queue)) this.#out.push({ kind: 'transmit', to: mac, packet })
  }

  /** A solicitation, router advertisement or redirect carried the link-layer address of `address`: RFC 4861 §7.2.3, §6.3.4, §8.3. */
  heard(now: number, address: Ipv6, mac: Mac): void {
    const neighbor = this.#table.get(address)
    if (neighbor === undefined) {
      const created = this.#create(address)
      created.mac = mac
      created.state = STALE
    } else if (neighbor.state.kind === 'incomplete') this.#resolved(now, neighbor, mac, false)
    else if (neighbor.mac !== mac) {
      neighbor.mac = mac
      neighbor.state = STALE
    }
  }

  /** `address` is known to be a router: appendix D of RFC 4861. */
  markRouter(address: Ipv6): void {
    const neighbor = this.#table.get(address)
    if (neighbor !== undefined) neighbor.isRouter = true
  }

  /** An upper layer makes progress with packets that went to `neighbor`: RFC 4861 §7.3.1. */
  confirm(now: number, neighbor: Neighbor): void {
    if (neighbor.state !== GONE && neighbor.state.kind !== 'incomplete') this.#reached(now, neighbor)
  }

  /** It has just been confirmed, so that confirming it again can wait. */
  isFresh(now: number, neighbor: Neighbor): boolean {
    const { state } = neighbor
    return state.kind === 'reachable' && state.until - now > this.#reachableTime.ms - FRESH_MS
  }

  #reached(now: number, neighbor: Neighbor): void {
    const until = this.#reachableTime.end(now)
    if (neighbor.state.kind !== 'reachable') this.#out.push({ kind: 'reachable', address: neighbor.address })
    neighbor.state = { kind: 'reachable', until }
    this.#schedule(until)
  }

  /** A new entry, still without a state of its own. The table gives up whom nobody here sent to, then who never answered, then the least recently used. */
  #create(address: Ipv6): Neighbor {
    if (this.#table.size === this.#table.capacity) {
      const victim = this.#table.victim((n) => (n.used === 0 ? 0 : n.state.kind === 'incomplete' ? 1 : 2))
      for (const _ of this.#forget(victim)) countDrop(this.#dropped, 'neighbor-evicted')
    }
    const neighbor: Neighbor = {
      address,
      used: 0,
      chained: undefined,
      mac: undefined,
      state: GONE,
      isRouter: false,
      queue: [],
    }
    this.#table.add(neighbor)
    return neighbor
  }

  #forget(neighbor: Neighbor): QueuedPacket[] {
    this.#table.delete(neighbor)
    neighbor.state = GONE
    neighbor.mac = undefined
    return this.#queues.take(neighbor.queue)
  }

  #schedule(at: number): void {
    if (at < this.#nextAt) this.#nextAt = at
  }

  deadline(): number {
    return this.#nextAt
  }

  poll(): NeighborOut | undefined {
    return this.#out.poll()
  }

  timeout(now: number): void {
    if (now < this.#nextAt) return
    this.#nextAt = NEVER
    for (const neighbor of this.#table) {
      this.#expire(now, neighbor)
      this.#schedule(expiryOf(neighbor.state))
    }
  }

  #expire(now: number, neighbor: Neighbor): void {
    const { state } = neighbor
    if (expiryOf(state) > now) return
    const { maxMulticastSolicit, maxUnicastSolicit } = this.#options
    switch (state.kind) {
      case 'incomplete':
        if (state.sent >= maxMulticastSolicit) this.#giveUp(neighbor)
        else this.#solicitAgain(now, neighbor, 'incomplete', state.sent + 1)
        break
      case 'reachable':
        neighbor.state = STALE
        break
      case 'delay':
        this.#solicitAgain(now, neighbor, 'probe', 1)
        break
      case 'probe':
        if (state.sent >= maxUnicastSolicit) this.#giveUp(neighbor)
        else this.#solicitAgain(now, neighbor, 'probe', state.sent + 1)
        break
      case 'stale':
      case 'gone':
        break
      default:
        state satisfies never
    }
  }

  #solicitAgain(now: number, neighbor: Neighbor, kind: 'incomplete' | 'probe', sent: number): void {
    neighbor.state = { kind, sent, at: now + this.#retransmitAfter(sent) }
    const [first] = neighbor.queue
    this.#out.push({
      kind: 'solicit',
      target: neighbor.address,
      to: kind === 'probe' ? neighbor.mac : undefined,
      src: first === undefined ? undefined : sourceOf(first),
    })
  }

  /** RFC 7048 §3: who solicits more often than RFC 4861 §10 does backs off. */
  #retransmitAfter(sent: number): number {
    const doubled = this.#retransTimerMs * 2 ** Math.max(0, sent - MAX_SOLICIT)
    return Math.max(this.#retransTimerMs, Math.min(doubled, MAX_RETRANS_TIMER_MS))
  }

  #giveUp(neighbor: Neighbor): void {
    const packets = this.#forget(neighbor)
    this.#out.push({ kind: 'unreachable', address: neighbor.address, packets })
  }
}
