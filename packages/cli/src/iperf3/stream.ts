import type { Endpoint } from '@fata/addr'
import { putU32, u32 } from '@fata/bytes'
import type { Clock } from '@fata/runtime'
import type { TcpFlow } from '@fata/tcp'
import type { StreamResult } from './protocol.ts'

/** Most datagrams that are sent before others have a turn. */
const BURST = 64

/** One direction of a test: bytes that are sent or received, and what is counted. */
export interface Stream {
  readonly id: number
  readonly sending: boolean
  readonly local: Endpoint
  readonly remote: Endpoint
  bytes: number
  packets: number
  errors: number
  jitterS: number
  retransmits(): number
  /** Begins. Resolves when everything that was asked for is sent, or `stop` is called; a receiver with the end of the stream. */
  run(): Promise<void>
  /** Sends nothing more; what has been written is not waited for. */
  stop(): void
  /** Throws the connection away. */
  abort(): void
}

/** How much to send, and how fast. */
export interface Load {
  /** Bytes of a block or datagram. */
  readonly length: number
  /** Bytes in all; Infinity for as many as time allows. */
  readonly total: number
  /** Bits per second; 0 for as many as go. */
  readonly bitrate: number
}

/** What a stream says of itself when the test is over. */
export function resultOf(stream: Stream, seconds: number): StreamResult {
  const { id, bytes, packets, errors, jitterS } = stream
  const retransmits = stream.sending ? stream.retransmits() : -1
  return { id, bytes, retransmits, jitter: jitterS, errors, packets, start_time: 0, end_time: seconds }
}

/** Waits until so many bytes are due at a bit rate. */
function due(bytes: number, bitrate: number, since: number, clock: Clock): Promise<void> {
  const at = since + (bytes * 8000) / bitrate
  if (at <= clock.now()) return new Promise((resolve) => clock.defer(resolve))
  return new Promise((resolve) => void clock.schedule(at, resolve))
}

/** A stream over TCP. */
export function tcpStream(id: number, flow: TcpFlow, sending: boolean, load: Load, clock: Clock): Stream {
  const stopped = new AbortController()
  const block = new Uint8Array(load.length)
  async function send(): Promise<void> {
    const since = clock.now()
    while (!stopped.signal.aborted && stream.bytes < load.total) {
      // The same bytes again and again: nobody changes them.
      const room = flow.write(block, { signal: stopped.signal })
      // A write that waits has been accepted.
      stream.bytes += block.length
      await room
      if (load.bitrate > 0) await due(stream.bytes, load.bitrate, since, clock)
    }
  }
  async function receive(): Promise<void> {
    for (;;) {
      const chunk = await flow.read({ borrow: true })
      if (chunk === null) return
      if (!stopped.signal.aborted) stream.bytes += chunk.length
    }
  }
  const stream: Stream = {
    ...{ id, sending, local: flow.local, remote: flow.remote, bytes: 0, packets: 0, errors: 0, jitterS: 0 },
    retransmits: () => {
      const { retransmits } = flow.info()
      return Number.isNaN(retransmits) ? -1 : retransmits
    },
    run: () =>
      (sending ? send() : receive()).catch((error: unknown) => {
        if (!stopped.signal.aborted) throw error
      }),
    stop: () => stopped.abort(),
    abort: () => flow.abort(),
  }
  return stream
}

/** What a stream over UDP stands on: a socket of its own, or a share of the server's. */
export interface DatagramPath {
  readonly local: Endpoint
  readonly remote: Endpoint
  send(data: Uint8Array): void
  close(): void
}

/** A stream over UDP. Received datagrams are handed to `receive`. */
export interface DatagramStream extends Stream {
  receive(buf: Uint8Array, off: number, end: number): void
}

/** Makes a stream over UDP. Datagrams carry when they were sent, and a count of 32 or 64 bits. */
export function udpStream(
  id: number,
  path: DatagramPath,
  sending: boolean,
  load: Load & { readonly wideCounters: boolean },
  clock: Clock,
): DatagramStream {
  const datagram = new Uint8Array(Math.max(load.length, 16))
  const countAt = load.wideCounters ? 12 : 8
  let transit: number | undefined
  let stop: () => void = () => {}
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  let running = true

  async function send(): Promise<void> {
    const since = clock.now()
    while (running && stream.bytes < load.total) {
      for (let i = 0; i < BURST && running && stream.bytes < load.total; i++) {
        if (load.bitrate > 0 && clock.now() < since + (stream.bytes * 8000) / load.bitrate) break
        sendOne()
      }
      await (load.bitrate > 0
        ? due(stream.bytes, load.bitrate, since, clock)
        : new Promise<void>((resolve) => clock.defer(resolve)))
    }
  }
  function sendOne(): void {
    const now = clock.wallTime()
    putU32(datagram, 0, Math.floor(now / 1000))
    putU32(datagram, 4, Math.floor((now % 1000) * 1000))
    if (load.wideCounters) putU32(datagram, 8, 0)
    stream.packets++
    putU32(datagram, countAt, stream.packets)
    try {
      path.send(datagram)
      stream.bytes += datagram.length
    } catch {
      // Nothing was sent, which the other end counts as lost.
    }
  }
  const stream: DatagramStream = {
    ...{ id, sending, local: path.local, remote: path.remote, bytes: 0, packets: 0, errors: 0, jitterS: 0 },
    retransmits: () => -1,
    receive(buf, off, end) {
      if (sending || !running || end - off < countAt + 4) return
      stream.bytes += end - off
      const count = u32(buf, off + countAt)
      if (count > stream.packets) {
        stream.errors += count - stream.packets - 1
        stream.packets = count
      } else if (stream.errors > 0) stream.errors--
      // RFC 3550 §6.4.1.
      const sentAt = u32(buf, off) * 1000 + u32(buf, off + 4) / 1000
      const took = clock.wallTime() - sentAt
      if (transit !== undefined) stream.jitterS += (Math.abs(took - transit) / 1000 - stream.jitterS) / 16
      transit = took
    },
    run: () => (sending ? send() : stopped),
    stop() {
      running = false
      stop()
    },
    abort: () => path.close(),
  }
  return stream
}
