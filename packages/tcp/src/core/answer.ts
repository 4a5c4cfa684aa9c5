import { randomBelow } from '@fata/runtime'
import type { Connection } from './connection.ts'
import type { Segment } from './segment.ts'
import { NEED_ACK } from './signals.ts'

/** Acknowledgments that unacceptable segments ask for, and how many of them: RFC 9293 §3.10.7.4, RFC 5961 §7. */

const CHALLENGE_INTERVAL_MS = 1000

/**
 * Owes the peer an ACK for a segment that is not acceptable. Two ends that disagree about sequence numbers answer each other's answers: a
 * least interval breaks that. Text is always answered: it is no answer itself.
 */
export function answerUnacceptable(c: Connection, s: Segment, now: number): void {
  if (s.length === 0) {
    if (now - c.answeredAt < c.tcp.config.answerIntervalMs) return
    c.answeredAt = now
  }
  c.needs |= NEED_ACK
}

/** Owes the peer a challenge ACK, within the limits. */
export function challenge(c: Connection, now: number): void {
  const { tcp } = c
  if (now - c.answeredAt < tcp.config.answerIntervalMs) return
  if (now - tcp.challengeSince >= CHALLENGE_INTERVAL_MS) {
    // A fixed number would tell an attacker, by what is left of it, whether his guesses hit another connection.
    const limit = tcp.config.challengeAcksPerSecond
    tcp.challengesLeft = limit === 0 ? 0 : Math.ceil(limit / 2) + randomBelow(tcp.random, limit)
    tcp.challengeSince = now
  }
  if (tcp.challengesLeft === 0) return
  tcp.challengesLeft--
  tcp.stats.challengeAcksOut++
  c.answeredAt = now
  c.needs |= NEED_ACK
}
