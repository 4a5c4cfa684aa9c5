import type { Endpoint } from '@fata/addr'
import type { Stack } from '@fata/stack'
import type { TcpFlow } from '@fata/tcp'
import { CommandError } from '../errors.ts'
import { Control, makeCookie, type Parameters, type Results, STATES, streamId, UDP_CONNECT } from './protocol.ts'
import { createReport } from './report.ts'
import { type DatagramStream, type Load, type Stream, tcpStream, udpStream } from './stream.ts'
import { type Surroundings, startTest, type TestRun, totalBytes } from './test-run.ts'

const OPEN_TRIES = 10
const OPEN_RETRY_MS = 500
const DATAGRAM_BYTES = 1448
const BLOCK_BYTES = 128 * 1024

/** What the command line says. */
export interface ClientOptions {
  readonly host: string
  readonly port: number
  readonly udp: boolean
  readonly reverse: boolean
  readonly parallel: number
  readonly seconds: number
  /** Bytes to send in place of a time; 0 for none. */
  readonly bytes: number
  /** Bytes of a block or datagram; undefined for the usual. */
  readonly length: number | undefined
  /** Bits per second of each stream, 0 for as many as go. */
  readonly bitrate: number
}

/** Runs one test against an iperf3 server. */
export async function runClient(stack: Stack, options: ClientOptions, around: Surroundings): Promise<void> {
  const { signal, clock } = around
  const flow = await stack.connect(options.host, options.port, { signal, noDelay: true })
  const control = new Control(flow, signal)
  const streams: Stream[] = []
  try {
    const cookie = makeCookie(around.random)
    await flow.write(cookie)
    await control.expectState(STATES.paramExchange)
    const parameters = parametersOf(options, flow)
    await control.writeJson(parameters)
    await control.expectState(STATES.createStreams)
    for (let i = 0; i < options.parallel; i++)
      streams.push(await openStream(stack, flow.remote, cookie, streamId(i), parameters, around))
    await control.expectState(STATES.testStart)
    let run: TestRun | undefined
    const elapsed = (): number => (run?.elapsed() ?? 0) / 1000
    const report = createReport(streams, parameters, { ...around, elapsed, reverse: options.reverse, isServer: false })
    await control.expectState(STATES.testRunning)
    run = startTest(streams, report, clock)
    await untilOver(run, streams, options, control, around)
    const own = run.stop()
    await control.writeState(STATES.testEnd)
    await control.expectState(STATES.exchangeResults)
    await control.writeJson(own)
    const others = await control.readJson<Results>()
    await control.expectState(STATES.displayResults)
    report.end(own, others)
    await control.writeState(STATES.iperfDone)
  } catch (error) {
    if (signal.aborted) await control.writeState(STATES.clientTerminate).catch(() => {})
    throw error
  } finally {
    for (const stream of streams) {
      stream.stop()
      stream.abort()
    }
    await flow.close()
  }
}

function parametersOf(options: ClientOptions, control: TcpFlow): Parameters {
  const { udp, parallel, seconds, bytes, bitrate } = options
  const { mss } = control.info()
  const datagram = Number.isNaN(mss) ? DATAGRAM_BYTES : mss
  return {
    ...(udp ? { udp: true } : { tcp: true }),
    ...{ omit: 0, time: bytes > 0 ? 0 : seconds, num: bytes, blockcount: 0, parallel },
    ...(options.reverse ? { reverse: true } : {}),
    len: options.length ?? (udp ? datagram : BLOCK_BYTES),
    bandwidth: bitrate,
    pacing_timer: 1000,
    ...(udp ? { udp_counters_64bit: 1 } : {}),
    client_version: '3.12',
  }
}

async function openStream(
  stack: Stack,
  to: Endpoint,
  cookie: Uint8Array,
  id: number,
  parameters: Parameters,
  { clock, signal }: Surroundings,
): Promise<Stream> {
  const { reverse = false, parallel = 1, len = BLOCK_BYTES, bandwidth = 0 } = parameters
  const load: Load = { length: len, total: Math.ceil(totalBytes(parameters) / parallel), bitrate: bandwidth }
  if (parameters.udp !== true) {
    const flow = await stack.tcp.connect(to, { signal })
    await flow.write(cookie)
    return tcpStream(id, flow, !reverse, load, clock)
  }
  const socket = stack.udp.bind({ remote: to, onError: () => {} })
  const path = {
    local: { address: socket.address ?? to.address, port: socket.port as number },
    remote: to,
    send: (data: Uint8Array) => socket.send(data),
    close: () => void socket.close(),
  }
  const stream: DatagramStream = udpStream(id, path, !reverse, { ...load, wideCounters: true }, clock)
  await new Promise<void>((resolve, reject) => {
    let tries = 0
    const ask = (): void => {
      if (answered) return
      if (tries++ === OPEN_TRIES || signal.aborted)
        reject(signal.aborted ? signal.reason : new CommandError('the server does not answer by UDP'))
      else {
        socket.send(UDP_CONNECT)
        clock.schedule(clock.now() + OPEN_RETRY_MS, ask)
      }
    }
    let answered = false
    socket.onMessage = (buf, off, end) => {
      if (answered) return stream.receive(buf, off, end)
      answered = true
      resolve()
    }
    ask()
  })
  return stream
}

/** Resolves when the time is over, or the bytes are there; rejects where the user or the server ends it, or a stream fails. */
function untilOver(
  run: TestRun,
  streams: readonly Stream[],
  { seconds, bytes, reverse }: ClientOptions,
  control: Control,
  { clock, signal }: Surroundings,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const isThere = (): boolean => bytes > 0 && streams.reduce((sum, stream) => sum + stream.bytes, 0) >= bytes
    const look = (): void => {
      if (isThere() || (bytes === 0 && run.elapsed() >= seconds * 1000)) resolve()
      else if (control.flow.info().endReceived) reject(new CommandError('the server has closed the control connection'))
      else clock.schedule(Math.min(clock.now() + 50, clock.now() + Math.max(1, seconds * 1000 - run.elapsed())), look)
    }
    look()
    run.sent.then(() => {
      if (!reverse) resolve()
    }, reject)
  })
}
