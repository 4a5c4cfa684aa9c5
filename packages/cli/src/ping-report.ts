import { formatIp } from '@fata/addr'
import type { PingOutcome } from '@fata/stack'

/** One line for what became of one request. */
export function describeOutcome(outcome: PingOutcome): string {
  const { sequence } = outcome
  switch (outcome.kind) {
    case 'reply':
      return `${outcome.size} bytes from ${formatIp(outcome.from)}: seq=${sequence} ttl=${outcome.ttl} time=${outcome.rttMs.toFixed(3)} ms`
    case 'timeout':
      return `seq=${sequence}: no answer in time`
    default:
      return `from ${formatIp(outcome.from)}: seq=${sequence} ${outcome.kind.replaceAll('-', ' ')}`
  }
}

/** Counts outcomes for the closing line. */
export interface Tally {
  readonly received: number
  add(outcome: PingOutcome): void
  summary(): string
}

/** A tally of nothing. */
export function createTally(): Tally {
  const rtts: number[] = []
  let sent = 0
  return {
    get received() {
      return rtts.length
    },
    add(outcome) {
      sent++
      if (outcome.kind === 'reply') rtts.push(outcome.rttMs)
    },
    summary() {
      const lost = sent === 0 ? 0 : Math.round((100 * (sent - rtts.length)) / sent)
      const counts = `${sent} sent, ${rtts.length} received, ${lost}% lost`
      if (rtts.length === 0) return counts
      const average = rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length
      const shown = [Math.min(...rtts), average, Math.max(...rtts)].map((rtt) => rtt.toFixed(3)).join('/')
      return `${counts}, round trip min/avg/max ${shown} ms`
    },
  }
}
