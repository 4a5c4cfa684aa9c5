import { serialDiff } from '@fata/bytes'
import { type Connection, unsentBytes } from './connection.ts'
import { congestionWindow } from './prr.ts'
import type { Occupation, Tally } from './records.ts'
import { hasSendRoom } from './send-room.ts'
import { seqAdd } from './sequence.ts'

/** To be called when output is done: notes what the sender waits for from here on. */
export function noteOccupation(c: Connection, now: number): void {
  const t = c.tally
  if (t === undefined) return
  const next = occupationOf(c)
  if (next === t.occupation) return
  settleOccupation(t, now)
  t.occupation = next
}

/** Adds the time since the last change to where it belongs. */
export function settleOccupation(t: Tally, now: number): void {
  const passed = now - t.occupiedSince
  t.occupiedSince = now
  if (t.occupation === 'idle') return
  t.busyMs += passed
  if (t.occupation === 'window') t.windowLimitedMs += passed
  else if (t.occupation === 'buffer') t.bufferLimitedMs += passed
}

function occupationOf(c: Connection): Occupation {
  if (c.queue === undefined) return 'idle'
  const unsent = unsentBytes(c)
  if (unsent === 0) return hasSendRoom(c) ? 'busy' : 'buffer'
  const usable = serialDiff(seqAdd(c.sndUna, c.sndWnd), c.sndNxt)
  const fits = usable >= Math.min(unsent, c.mss)
  return fits || serialDiff(c.sndNxt, c.sndUna) >= congestionWindow(c) ? 'busy' : 'window'
}
