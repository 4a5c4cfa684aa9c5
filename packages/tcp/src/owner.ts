import type { Connection } from './core/connection.ts'
import type { CheckedFlowOptions } from './flow-options.ts'

/** Who is told what happens to a connection: the call that opens it, the listener that accepts it, then its flow. */
export interface Owner {
  /** `events` are bits of `EVENT_...`, each told once. */
  onEvents(c: Connection, events: number): void
  /** An owner that has this can do without the connection while nothing happens on it. */
  readonly parking?: Parking
}

/** Where a connection is while it is packed, see `Packer`. */
export interface Parking {
  /** The packed connection; undefined while it is there as such. */
  readonly packed: string | undefined
  readonly chosen: CheckedFlowOptions
  /** Takes the connection in packed form in place of itself. */
  park(packed: string, chosen: CheckedFlowOptions): void
  /** Takes it back. */
  unpark(c: Connection): void
}

/** What owners need of the engine that runs the connections. */
export interface Host {
  now(): number
  /** Sends what `c` owes and tells its events, soon: several calls of one task of the application are served together. */
  touch(c: Connection): void
  /** The connection that is parked there, unpacked. */
  wake(parking: Parking): Connection
}
