import type { Connection } from './connection.ts'
import type { Tally } from './records.ts'

/** The record of `c`, made where there is none. */
export function tallyOf(c: Connection): Tally {
  c.tally ??= {
    delivered: 0,
    deliveredMarked: 0,
    duplicates: 0,
    retransmittedBytes: 0,
    reorderings: 0,
    lastTextInAt: Number.NEGATIVE_INFINITY,
    lastTextOutAt: Number.NEGATIVE_INFINITY,
    occupation: 'idle',
    occupiedSince: 0,
    busyMs: 0,
    windowLimitedMs: 0,
    bufferLimitedMs: 0,
  }
  return c.tally
}
