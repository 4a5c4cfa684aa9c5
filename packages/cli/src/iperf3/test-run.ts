import type { Clock, Random, Timer } from '@fata/runtime'
import type { Parameters, Results } from './protocol.ts'
import type { Report } from './report.ts'
import { resultOf, type Stream } from './stream.ts'

const INTERVAL_MS = 1000

/** What a test of either end runs with. */
export interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  readonly json: boolean
  print(line: string): void
}

/** Streams under way. */
export interface TestRun {
  /** Resolves when every sender has sent what it was asked for; rejects where a stream fails. */
  readonly sent: Promise<void>
  /** Milliseconds since the beginning. */
  elapsed(): number
  /** Ends the streams; what they have done until then counts. Once more it says the same. */
  stop(): Results
}

/** Starts streams, and tells of every second. */
export function startTest(streams: readonly Stream[], report: Report, clock: Clock): TestRun {
  const since = clock.now()
  let timer: Timer
  let at = since
  const tick = (): void => {
    at += INTERVAL_MS
    timer = clock.schedule(at, () => {
      report.interval()
      tick()
    })
  }
  tick()
  const sent = Promise.all(streams.map((stream) => stream.run())).then(() => {})
  // Who does not wait for it learns of it from the other end.
  sent.catch(() => {})
  let results: Results | undefined
  return {
    sent,
    elapsed: () => clock.now() - since,
    stop() {
      if (results !== undefined) return results
      timer.cancel()
      const seconds = (clock.now() - since) / 1000
      const ends = streams.map((stream) => {
        stream.stop()
        return resultOf(stream, seconds)
      })
      report.interval()
      const counts = streams.some((stream) => stream.sending && stream.retransmits() >= 0)
      results = {
        ...{ cpu_util_total: 0, cpu_util_user: 0, cpu_util_system: 0 },
        sender_has_retransmits: counts ? 1 : streams.some((stream) => stream.sending) ? 0 : -1,
        congestion_used: 'cubic',
        streams: ends,
      }
      return results
    },
  }
}

/** Bytes of the whole test; Infinity where time ends it. */
export function totalBytes({ num = 0, blockcount = 0, len = 0 }: Parameters): number {
  if (num > 0) return num
  return blockcount > 0 ? blockcount * len : Number.POSITIVE_INFINITY
}
