import type { Random } from '@fata/runtime'
import type { TcpConfig } from '../options.ts'
import type { TcpStats } from '../stats.ts'
import { type AckSample, createAckSample } from './congestion/congestion.ts'
import { FastOpenCookies } from './fast-open-cookies.ts'
import { Flight } from './flight.ts'
import { ReceiveMemory } from './receive-memory.ts'
import { SendQueue } from './send-queue.ts'
import { SmallWrites } from './small-writes.ts'

/** What all connections of one TCP share. */
export interface Context {
  readonly config: TcpConfig
  readonly stats: TcpStats
  readonly smallWrites: SmallWrites
  readonly receiveMemory: ReceiveMemory
  readonly flights: Pool<Flight>
  readonly sendQueues: Pool<SendQueue>
  readonly random: Random
  readonly fastOpen: FastOpenCookies
  /** What the ACK that is being processed tells, see `AckSample`. */
  readonly ack: AckSample
  /** Challenge ACKs that may still be sent in the second that began at `challengeSince`. */
  challengesLeft: number
  challengeSince: number
}

export function createContext(config: TcpConfig, stats: TcpStats, random: Random): Context {
  return {
    config,
    stats,
    smallWrites: new SmallWrites(),
    receiveMemory: new ReceiveMemory(),
    flights: new Pool(() => new Flight()),
    sendQueues: new Pool(() => new SendQueue()),
    random,
    fastOpen: new FastOpenCookies(random),
    ack: createAckSample(),
    challengesLeft: 0,
    challengeSince: Number.NEGATIVE_INFINITY,
  }
}

/** More are left to the garbage collector. */
const POOL_LIMIT = 256

/** Objects that only connections with data in flight need, kept for the next one. */
export class Pool<T> {
  readonly #free: T[] = []
  readonly #create: () => T

  constructor(create: () => T) {
    this.#create = create
  }

  get(): T {
    return this.#free.pop() ?? this.#create()
  }

  put(object: T): void {
    if (this.#free.length < POOL_LIMIT) this.#free.push(object)
  }
}
