import { serialDiff, serialGeq, serialGt } from '@fata/bytes'
import { type Connection, unsentBytes } from './connection.ts'
import { rackOf } from './rack.ts'
import { armInstead, armRetransmit } from './rto.ts'
import { seqAdd } from './sequence.ts'
import { NEED_TAIL } from './signals.ts'

/**
 * Tail loss probes: where the end of a flight is lost nothing comes that could tell of it but, much later, the retransmission timer; a
 * probe after two round trips brings an ACK from which RACK sees what is missing. RFC 8985 §7.
 */

/** What a thread that does other things besides adds to a round trip. */
const SLACK_MS = 10

/** TLP_calc_PTO: arms the probe timer in place of the retransmission timer, unless something else will tell of a loss (§7.2). */
export function scheduleProbe(c: Connection, now: number): void {
  if (!c.sack || c.recovery !== 'none' || c.flight.count === 0 || c.flight.sacked > 0 || c.timer === 'reorder') return
  if (rackOf(c).probing) return
  // A single segment may wait for a delayed acknowledgment: nearly as long as the timeout.
  const delayed = serialDiff(c.sndNxt, c.sndUna) <= c.mss ? c.tcp.config.minRtoMs : 0
  armInstead(c, 'tail', now + (c.srtt === 0 ? c.tcp.config.initialRtoMs : 2 * c.srtt + SLACK_MS + delayed))
}

/** TLP_send_probe: the timer has expired. */
export function onProbeTimer(c: Connection, now: number): void {
  const r = rackOf(c)
  if (!r.probing && r.measured && c.flight.count > 0) {
    r.probing = true
    r.measured = false
    const usable = serialDiff(seqAdd(c.sndUna, c.sndWnd), c.sndNxt)
    r.probeRepeats = unsentBytes(c) === 0 || usable < Math.min(c.mss, unsentBytes(c))
    r.probeEnd = r.probeRepeats ? c.sndNxt : seqAdd(c.sndNxt, Math.min(c.mss, unsentBytes(c)))
    c.needs |= NEED_TAIL
  }
  armRetransmit(c, now)
}

/** TLP_process_ack. `duplicate`: the ACK reports text that came twice; `bare`: it is a duplicate ACK that reports nothing. */
export function onProbeAck(c: Connection, ack: number, duplicate: boolean, bare: boolean, now: number): void {
  const r = c.rack
  if (r === undefined || !r.probing || !serialGeq(ack, r.probeEnd)) return
  if (!r.probeRepeats || duplicate) {
    r.probing = false
  } else if (serialGt(ack, r.probeEnd)) {
    // Nobody has seen two copies of it: the probe has repaired a loss, which the congestion window must not miss.
    r.probing = false
    c.congestion.onLoss(serialDiff(c.sndNxt, c.sndUna), c.mss, now, false)
  } else if (bare) {
    r.probing = false
  }
}

/** A recovery begins: what the probe would tell is known. */
export function forgetProbe(c: Connection): void {
  if (c.rack !== undefined) c.rack.probing = false
}
