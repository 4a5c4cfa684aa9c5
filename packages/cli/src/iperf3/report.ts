import { formatIp } from '@fata/addr'
import type { Parameters, Results, StreamResult } from './protocol.ts'
import type { Stream } from './stream.ts'

/** What has passed in a piece of the test. */
interface Interval {
  readonly start: number
  readonly end: number
  readonly bytes: readonly number[]
}

/** Everything that is told of a test. */
export interface Report {
  /** Another second is over. */
  interval(): void
  /** Both ends have said what they have. */
  end(own: Results, others: Results): void
}

/** How a test is told of: line by line, or at the end as JSON. */
export interface ReportOptions {
  readonly json: boolean
  readonly print: (line: string) => void
  /** Seconds since the test began. */
  readonly elapsed: () => number
  readonly reverse: boolean
  readonly isServer: boolean
}

const UNITS = ['', 'K', 'M', 'G', 'T']

/** `1234567, 1000` is `1.23 M`. */
function scaled(value: number, base: number): string {
  let unit = 0
  for (; value >= base && unit < UNITS.length - 1; unit++) value /= base
  return `${value.toPrecision(3)} ${UNITS[unit]}`
}

function rate(bytes: number, seconds: number): number {
  return seconds > 0 ? (bytes * 8) / seconds : 0
}

/** Starts to tell of a test. */
export function createReport(streams: readonly Stream[], parameters: Parameters, options: ReportOptions): Report {
  const intervals: Interval[] = []
  let before = streams.map(() => 0)
  let since = 0
  const line = (id: string, start: number, end: number, bytes: number, more = ''): void =>
    options.print(
      `[${id.padStart(3)}] ${start.toFixed(2).padStart(6)}-${end.toFixed(2).padEnd(6)} sec  ${scaled(bytes, 1024).padStart(7)}Bytes  ${scaled(rate(bytes, end - start), 1000).padStart(7)}bits/sec${more}`,
    )
  if (!options.json)
    for (const { id, local, remote } of streams)
      options.print(
        `[${String(id).padStart(3)}] local ${formatIp(local.address)} port ${local.port} connected to ${formatIp(remote.address)} port ${remote.port}`,
      )
  return {
    interval() {
      const end = options.elapsed()
      const bytes = streams.map((stream, i) => stream.bytes - before[i]!)
      before = streams.map((stream) => stream.bytes)
      intervals.push({ start: since, end, bytes })
      if (!options.json) {
        streams.forEach(({ id }, i) => {
          line(String(id), since, end, bytes[i]!)
        })
        if (streams.length > 1) line('SUM', since, end, sum(bytes))
      }
      since = end
    },
    end(own, others) {
      const ownSends = options.isServer === options.reverse
      const [sent, received] = ownSends ? [own, others] : [others, own]
      if (options.json) options.print(JSON.stringify(asJson(streams, parameters, intervals, sent, received), null, 2))
      else {
        options.print('- - - - - - - - - - - - - - - - - - - - - - - - -')
        for (const [results, who] of [
          [sent, 'sender'],
          [received, 'receiver'],
        ] as const) {
          for (const s of results.streams)
            line(String(s.id), 0, s.end_time, s.bytes, `${losses(s, parameters, who)}  ${who}`)
          if (streams.length > 1) line('SUM', 0, longest(results), total(results), `  ${who}`)
        }
      }
    },
  }
}

function losses({ jitter, errors, packets, retransmits }: StreamResult, { udp }: Parameters, who: string): string {
  if (udp !== true) return who === 'sender' && retransmits >= 0 ? `  ${retransmits} retransmits` : ''
  return `  ${(jitter * 1000).toFixed(3)} ms  ${errors}/${packets} (${percent(errors, packets).toFixed(2)}%)`
}

function percent(part: number, whole: number): number {
  return whole === 0 ? 0 : (100 * part) / whole
}

const sum = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)
const total = ({ streams }: Results): number => sum(streams.map(({ bytes }) => bytes))
const longest = ({ streams }: Results): number => Math.max(0, ...streams.map(({ end_time }) => end_time))

/** As iperf3 has it, without what we do not measure. */
function asJson(
  streams: readonly Stream[],
  parameters: Parameters,
  intervals: readonly Interval[],
  sent: Results,
  received: Results,
): unknown {
  const figures = (bytes: number, start: number, end: number) => ({
    ...{ start, end, seconds: end - start, bytes, bits_per_second: rate(bytes, end - start) },
  })
  const losses = received.streams.map(({ jitter, errors, packets }) => ({ jitter, errors, packets }))
  const lost = sum(losses.map(({ errors }) => errors))
  const packets = sum(losses.map((one) => one.packets))
  const udp = {
    jitter_ms: (1000 * sum(losses.map(({ jitter }) => jitter))) / Math.max(1, losses.length),
    ...{ lost_packets: lost, packets, lost_percent: percent(lost, packets) },
  }
  const sender = {
    ...figures(total(sent), 0, longest(sent)),
    ...(sent.sender_has_retransmits === 1
      ? { retransmits: sum(sent.streams.map(({ retransmits }) => retransmits)) }
      : {}),
  }
  return {
    start: {
      connected: streams.map(({ id, local, remote }) => ({
        ...{ socket: id, local_host: formatIp(local.address), local_port: local.port },
        ...{ remote_host: formatIp(remote.address), remote_port: remote.port },
      })),
      test_start: {
        protocol: parameters.udp === true ? 'UDP' : 'TCP',
        ...{ num_streams: streams.length, blksize: parameters.len, duration: parameters.time },
        reverse: parameters.reverse === true ? 1 : 0,
      },
    },
    intervals: intervals.map(({ start, end, bytes }) => ({
      streams: bytes.map((count, i) => ({ socket: streams[i]!.id, ...figures(count, start, end) })),
      sum: figures(sum(bytes), start, end),
    })),
    end: {
      streams: streams.map(({ id }) => ({
        sender: { socket: id, ...sent.streams.find((one) => one.id === id) },
        receiver: { socket: id, ...received.streams.find((one) => one.id === id) },
      })),
      sum_sent: sender,
      sum_received: figures(total(received), 0, longest(received)),
      ...(parameters.udp === true ? { sum: { ...figures(total(received), 0, longest(received)), ...udp } } : {}),
    },
  }
}
