import { ByteQueue } from './byte-queue.ts'
import type { Connection } from './connection.ts'
import type { Segment } from './segment.ts'
import { seqAdd } from './sequence.ts'
import { EVENT_READABLE } from './signals.ts'

/** The next bytes in order, the ordinary case. */
export function appendText(c: Connection, s: Segment): void {
  c.received ??= new ByteQueue(c.tcp.receiveMemory)
  c.received.append(s.buf, s.off, s.off + s.length)
  c.tcp.stats.unreadBytes += s.length
  advance(c, s.length)
}

/** `n` bytes more are in order. */
export function advance(c: Connection, n: number): void {
  c.rcvNxt = seqAdd(c.rcvNxt, n)
  c.bytesReceived += n
  c.tcp.stats.bytesIn += n
  c.events |= EVENT_READABLE
}
