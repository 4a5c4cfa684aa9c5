import type { Connection } from './core/connection.ts'

/** Who is told what happens to a connection: the call that opens it, the listener that accepts it, then its flow. */
export interface Owner {
  /** `events` are bits of `EVENT_...`, each told once. */
  onEvents(c: Connection, events: number): void
}

/** What owners need of the engine that runs the connections. */
export interface Host {
  now(): number
  /** Sends what `c` owes and tells its events, soon: several calls of one task of the application are served together. */
  touch(c: Connection): void
}
