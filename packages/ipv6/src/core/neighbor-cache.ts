import type { Ipv6, Mac } from '@fata/addr'
import { assert } from '@fata/bytes'
import { countDrop, type DropCounts } from '@fata/net'
import type { Random } from '@fata/runtime'
import { AddressTable, type TableEntry } from './address-table.ts'
import { Outbox } from './outbox.ts'
import { type QueuedPacket, sourceOf } from './queued-packet.ts'

/**
 * The Neighbor Cache: address resolution and Neighbor Unreachability Detection, RFC 4861 §7.2, §7.3 and appendix C. LLA is a
 * link-layer address; `same` and `other` compare it with the cached one; S and O are the Solicited and Override flags.
 *
 *   state        event                                  action                                new state
 *   -----------  -------------------------------------  ------------------------------------  ----------
 *   -            packet to send                         create, multicast NS, start timer     incomplete
 *   incomplete   retransmit timer, < N solicitations    multicast NS, restart timer           incomplete
 *   incomplete   retransmit timer, N solicitations      discard, report queued packets        -
 *   incomplete   NA without LLA                         -                                     incomplete
 *   incomplete   NA with LLA, S=0                       record LLA, send queued packets       stale
 *   incomplete   NA with LLA, S=1                       record LLA, send queued packets       reachable
 *   others       NA O=0, other LLA: reachable           -                                     stale
 *   others       NA O=0, other LLA: not reachable       -                                     unchanged
 *   others       NA S=1, O=1 or same or no LLA          record LLA, IsRouter                  reachable
 *   others       NA S=0, O=1, other LLA                 record LLA, IsRouter                  stale
 *   others       NA S=0, same or no LLA                 IsRouter                              unchanged
 *   others       upper-layer confirmation               -                                     reachable
 *   reachable    ReachableTime passed                   -                                     stale
 *   stale        packet to send                         start delay timer                     delay
 *   delay        delay timer                            unicast NS, start timer               probe
 *   probe        retransmit timer, < N solicitations    unicast NS, restart timer             probe
 *   probe        retransmit timer, N solicitations      discard                               -
 *   -            NS, RS, RA, Redirect with LLA          create                                stale
 *   incomplete   NS, RS, RA, Redirect with LLA          record LLA, send queued packets       stale
 *   others       NS, RS, RA, Redirect with other LLA    record LLA                            stale
 *   others       NS, RS, RA, Redirect with same LLA     -                                     unchanged
 *
 * Where the appendix and §7.2.5 differ, §7.2.5 is followed: an NA without LLA says nothing of an incomplete neighbor, and with S=1
 * it confirms that another one is reachable.
 *
 * Differs from the RFC in: no exponential back-off of probes (RFC 7048).
 */
export type NeighborState =
  | { readonly kind: 'incomplete'; readonly sent: number; readonly at: number }
  | { readonly kind: 'reachable'; readonly until: number }
  | { readonly kind: 'stale' }
  | { readonly kind: 'delay'; readonly until: number }
  | { readonly kind: 'probe'; readonly sent: number; readonly at: number }
  /** Removed from the cache, for those who hold the entry. */
  | { readonly kind: 'gone' }

/** An entry. Others may hold it and must let go of it when its state is `gone`. */
export interface Neighbor extends TableEntry<Neighbor> {
  /** Undefined in `incomplete`. */
  mac: Mac | undefined
  state: NeighborState
  isRouter: boolean
  /** Waiting for the address, oldest first. */
  readonly queue: QueuedPacket[]
}

export interface NeighborOptions {
  readonly maxNeighbors: number
  readonly maxQueuedPackets: number
  readonly maxQueuedBytes: number
  readonly maxMulticastSolicit: number
  readonly maxUnicastSolicit: number
  readonly delayFirstProbeMs: number
  readonly reachableTimeMs: number
  readonly retransTimerMs: number
}

export type NeighborOut =
  /** A solicitation for `target`, multicast where `to` is undefined, because of a packet with this source. */
  | { readonly kind: 'solicit'; readonly target: Ipv6; readonly to: Mac | undefined; readonly src: Ipv6 | undefined }
  | { readonly kind: 'transmit'; readonly to: Mac; readonly packet: QueuedPacket }
  /** The neighbor does not answer and has been forgotten; `packets` waited for it. */
  | { readonly kind: 'unreachable'; readonly address: Ipv6; readonly packets: readonly QueuedPacket[] }
  /** The forward path works, which was not known before. */
  | { readonly kind: 'reachable'; readonly address: Ipv6 }
  /** The neighbor has said that it is a router no more. */
  | { readonly kind: 'no-router'; readonly address: Ipv6 }

/** What a neighbor advertisement says of its target. */
export interface Advertised {
  readonly mac: Mac | undefined
  readonly router: boolean
  readonly solicited: boolean
  readonly override: boolean
}

const STALE: NeighborState = { kind: 'stale' }
const GONE: NeighborState = { kind: 'gone' }
const NEVER = Number.POSITIVE_INFINITY
/** RFC 4861 §6.3.4 asks for a new random ReachableTime every few hours. */
const REACHABLE_TIME_REFRESH_MS = 2 * 3600_000
/** Transports confirm with every acknowledgement; more than one per second is of no use. */
const FRESH_MS = 1000

/** A packet may go to the neighbor at once, and nothing else has to be done. */
export function isSettled(neighbor: Neighbor): boolean {
  const { kind } = neighbor.state
  return kind === 'reachable' || kind === 'delay' || kind === 'probe'
}

export class NeighborCache {
  readonly #options: NeighborOptions
  readonly #random: Random
  readonly #dropped: DropCounts
  readonly #table: AddressTable<Neighbor>
  readonly #out = new Outbox<NeighborOut>()
  #queuedBytes = 0
  /** No deadline lies before it; it may lie before the first one. */
  #nextAt = NEVER
  #baseReachableTimeMs: number
  #reachableTimeMs: number
  #reachableTimeAt = 0
  #retransTimerMs: number

  /** Discarded packets are counted in `dropped`. */
  constructor(options: NeighborOptions, random: Random, dropped: DropCounts) {
    this.#options = options
    this.#random = random
    this.#dropped = dropped
    this.#table = new AddressTable(options.maxNeighbors, random.uint32())
    this.#retransTimerMs = options.retransTimerMs
    this.#baseReachableTimeMs = options.reachableTimeMs
    this.#reachableTimeMs = this.#randomReachableTime()
  }

  /** RetransTimer of RFC 4861 §6.3.2. */
  get retransTimerMs(): number {
    return this.#retransTimerMs
  }

  /** Copies the variables of a router advertisement that are not 0, RFC 4861 §6.3.4. */
  configure(now: number, reachableTimeMs: number, retransTimerMs: number): void {
    if (retransTimerMs !== 0) this.#retransTimerMs = retransTimerMs
    if (reachableTimeMs === 0 || reachableTimeMs === this.#baseReachableTimeMs) return
    this.#baseReachableTimeMs = reachableTimeMs
    this.#reachableTimeMs = this.#randomReachableTime()
    this.#reachableTimeAt = now
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
    const { maxQueuedPackets, maxQueuedBytes } = this.#options
    const { queue } = neighbor
    while (queue.length >= maxQueuedPackets) this.#dropOldest(queue)
    while (queue.length > 0 && this.#queuedBytes + packet.bytes.length > maxQueuedBytes) this.#dropOldest(queue)
    if (this.#queuedBytes + packet.bytes.length > maxQueuedBytes) {
      countDrop(this.#dropped, 'neighbor-queue-full')
      return
    }
    queue.push(packet)
    this.#queuedBytes += packet.bytes.length
  }

  #dropOldest(queue: QueuedPacket[]): void {
    this.#queuedBytes -= queue.shift()!.bytes.length
    countDrop(this.#dropped, 'neighbor-queue-full')
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
    for (const packet of neighbor.queue) {
      this.#queuedBytes -= packet.bytes.length
      this.#out.push({ kind: 'transmit', to: mac, packet })
    }
    neighbor.queue.length = 0
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
    return state.kind === 'reachable' && state.until - now > this.#reachableTimeMs - FRESH_MS
  }

  #reached(now: number, neighbor: Neighbor): void {
    if (now - this.#reachableTimeAt > REACHABLE_TIME_REFRESH_MS) {
      this.#reachableTimeMs = this.#randomReachableTime()
      this.#reachableTimeAt = now
    }
    const until = now + this.#reachableTimeMs
    if (neighbor.state.kind !== 'reachable') this.#out.push({ kind: 'reachable', address: neighbor.address })
    neighbor.state = { kind: 'reachable', until }
    this.#schedule(until)
  }

  #randomReachableTime(): number {
    return this.#baseReachableTimeMs * (0.5 + this.#random.uint32() / 0x1_0000_0000)
  }

  /** A new entry, still without a state of its own. The table gives up whom nobody here sent to, then who never answered, then the least recently used. */
  #create(address: Ipv6): Neighbor {
    if (this.#table.size === this.#table.capacity) {
      const victim = this.#table.victim((n) => (n.used === 0 ? 0 : n.state.kind === 'incomplete' ? 1 : 2))
      for (const packet of this.#forget(victim)) {
        this.#queuedBytes -= packet.bytes.length
        countDrop(this.#dropped, 'neighbor-evicted')
      }
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
    return neighbor.queue
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
    neighbor.state = { kind, sent, at: now + this.#retransTimerMs }
    const [first] = neighbor.queue
    this.#out.push({
      kind: 'solicit',
      target: neighbor.address,
      to: kind === 'probe' ? neighbor.mac : undefined,
      src: first === undefined ? undefined : sourceOf(first),
    })
  }

  #giveUp(neighbor: Neighbor): void {
    const packets = this.#forget(neighbor)
    for (const packet of packets) this.#queuedBytes -= packet.bytes.length
    this.#out.push({ kind: 'unreachable', address: neighbor.address, packets })
  }
}

function expiryOf(state: NeighborState): number {
  switch (state.kind) {
    case 'incomplete':
    case 'probe':
      return state.at
    case 'reachable':
    case 'delay':
      return state.until
    case 'stale':
    case 'gone':
      return NEVER
    default:
      return state satisfies never
  }
}
