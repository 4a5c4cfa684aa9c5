import { formatEndpoint } from '@fata/addr'
import type { Stack } from '@fata/stack'
import type { TcpFlow } from '@fata/tcp'
import type { UdpSocket } from '@fata/udp'
import { CommandError } from '../errors.ts'
import { COOKIE_LEN, Control, type Parameters, type Results, STATES, streamId, UDP_REPLY } from './protocol.ts'
import { createReport } from './report.ts'
import { type DatagramPath, type DatagramStream, type Load, type Stream, tcpStream, udpStream } from './stream.ts'
import { type Surroundings, startTest, type TestRun, totalBytes } from './test-run.ts'

const MOST_STREAMS = 128
/** How long a client may take for what it owes: streams, answers. */
const PATIENCE_MS = 15_000
/** iperf3's error numbers: an option that is not supported. */
const IEUNIMP = 13

/** Serves tests one after the other, as iperf3 does, until it is stopped, or one with `once`. */
export async function runServer(stack: Stack, port: number, once: boolean, around: Surroundings): Promise<void> {
  const listener = stack.tcp.listen({ port, noDelay: true })
  await listener.ready
  const socket = stack.udp.bind({ port, onError: () => {} })
  let current: ServerTest | undefined
  const { signal } = around
  socket.onMessage = (buf, off, end, { src, dst }) => {
    current?.datagram(buf, off, end, formatEndpoint(src), () => ({
      local: { ...dst },
      remote: { ...src },
      send: (data) => socket.send(data, src, { src: dst.address }),
      close: () => {},
    }))
  }
  try {
    for (;;) {
      const flow = await listener.accept({ signal })
      const control = new Control(flow, signal)
      const cookie = await cookieOf(control, around)
      if (cookie === undefined) flow.abort()
      else if (current === undefined) {
        const test = new ServerTest(control, cookie, around)
        current = test
        const done = test.run().finally(() => {
          current = undefined
        })
        if (once) {
          // Its streams arrive here as well.
          const rest = acceptStreams(listener, () => current, around)
          await done
          await Promise.all([listener.close(), rest])
          return
        }
        done.catch((error: Error) => around.print(`test ended: ${error.message}`))
      } else if (cookie === current.cookie) current.stream(flow)
      else await refuse(control)
    }
  } finally {
    await closeAll(listener, socket)
  }
}

async function acceptStreams(
  listener: AsyncIterable<TcpFlow>,
  current: () => ServerTest | undefined,
  around: Surroundings,
): Promise<void> {
  for await (const flow of listener) {
    const control = new Control(flow, around.signal)
    const cookie = await cookieOf(control, around)
    const test = current()
    if (cookie !== undefined && cookie === test?.cookie) test.stream(flow)
    else await refuse(control)
  }
}

async function closeAll(listener: { close(): Promise<void> }, socket: UdpSocket): Promise<void> {
  await listener.close()
  await socket.close()
}

async function refuse(control: Control): Promise<void> {
  await control.writeState(STATES.accessDenied).catch(() => {})
  await control.flow.close()
}

/** What every connection begins with; undefined for one that says nothing of the kind in time. */
async function cookieOf(control: Control, { clock }: Surroundings): Promise<string | undefined> {
  const timer = clock.schedule(clock.now() + PATIENCE_MS, () => control.flow.abort())
  try {
    return new TextDecoder('latin1').decode(await control.read(COOKIE_LEN))
  } catch {
    return undefined
  } finally {
    timer.cancel()
  }
}

/** One test, from its control connection on. */
class ServerTest {
  readonly cookie: string
  readonly #control: Control
  readonly #around: Surroundings
  readonly #streams: Stream[] = []
  readonly #datagrams = new Map<string, DatagramStream>()
  #parameters: Parameters = {}
  #run: TestRun | undefined
  #complete: () => void = () => {}

  constructor(control: Control, cookie: string, around: Surroundings) {
    this.#control = control
    this.cookie = cookie
    this.#around = around
  }

  async run(): Promise<void> {
    const { clock, print } = this.#around
    const control = this.#control
    try {
      print(`accepted connection from ${formatEndpoint(control.flow.remote)}`)
      await control.writeState(STATES.paramExchange)
      this.#parameters = await control.readJson<Parameters>()
      await this.#requireSupported()
      await this.#openStreams()
      await control.writeState(STATES.testStart)
      const elapsed = (): number => (this.#run?.elapsed() ?? 0) / 1000
      const reverse = this.#parameters.reverse === true
      const report = createReport(this.#streams, this.#parameters, {
        ...this.#around,
        elapsed,
        reverse,
        isServer: true,
      })
      await control.writeState(STATES.testRunning)
      this.#run = startTest(this.#streams, report, clock)
      await control.expectState(STATES.testEnd)
      const own = this.#run.stop()
      await control.writeState(STATES.exchangeResults)
      const others = await control.readJson<Results>()
      await control.writeJson(own)
      await control.writeState(STATES.displayResults)
      await control.expectState(STATES.iperfDone)
      report.end(own, others)
    } finally {
      this.#run?.stop()
      for (const stream of this.#streams) stream.abort()
      await control.flow.close()
    }
  }

  /** A TCP stream of this test has come. */
  stream(flow: TcpFlow): void {
    const { parallel = 1, tcp, reverse = false } = this.#parameters
    if (tcp === undefined || this.#streams.length >= parallel) {
      flow.abort()
      return
    }
    const id = streamId(this.#streams.length)
    this.#add(tcpStream(id, flow, reverse, this.#load(), this.#around.clock))
  }

  /** A datagram has come: the first of a stream opens it. */
  datagram(buf: Uint8Array, off: number, end: number, from: string, path: () => DatagramPath): void {
    const { udp, parallel = 1, reverse = false, udp_counters_64bit: wide = 0 } = this.#parameters
    const known = this.#datagrams.get(from)
    if (known !== undefined) {
      if (this.#run === undefined) path().send(UDP_REPLY)
      else known.receive(buf, off, end)
      return
    }
    if (udp !== true || this.#run !== undefined || this.#streams.length >= parallel) return
    const way = path()
    const load = { ...this.#load(), wideCounters: wide !== 0 }
    const stream = udpStream(streamId(this.#streams.length), way, reverse, load, this.#around.clock)
    this.#datagrams.set(from, stream)
    way.send(UDP_REPLY)
    this.#add(stream)
  }

  #add(stream: Stream): void {
    this.#streams.push(stream)
    if (this.#streams.length >= (this.#parameters.parallel ?? 1)) this.#complete()
  }

  #load(): Load {
    const { len = 128 * 1024, parallel = 1, bandwidth = 0 } = this.#parameters
    return { length: len, total: Math.ceil(totalBytes(this.#parameters) / parallel), bitrate: bandwidth }
  }

  async #requireSupported(): Promise<void> {
    const { tcp, udp, bidirectional, parallel = 1, len = 1 } = this.#parameters
    const wrong =
      (tcp !== true && udp !== true && 'a protocol other than TCP and UDP') ||
      (bidirectional === true && 'both directions at once') ||
      (!(parallel >= 1 && parallel <= MOST_STREAMS) && `${parallel} streams`) ||
      (!(len >= 1 && len <= (udp === true ? 65507 : 1 << 20)) && `blocks of ${len} bytes`)
    if (wrong === false) return
    await this.#control.writeState(STATES.serverError)
    await this.#control.flow.write(Uint8Array.of(0, 0, 0, IEUNIMP, 0, 0, 0, 0))
    throw new CommandError(`the client asks for ${wrong}`)
  }

  async #openStreams(): Promise<void> {
    const { clock } = this.#around
    const complete = new Promise<void>((resolve, reject) => {
      const timer = clock.schedule(clock.now() + PATIENCE_MS, () => reject(new CommandError('the streams do not come')))
      this.#complete = () => {
        timer.cancel()
        resolve()
      }
    })
    await this.#control.writeState(STATES.createStreams)
    await complete
  }
}
