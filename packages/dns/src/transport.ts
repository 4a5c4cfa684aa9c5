import { ipEquals } from '@fata/addr'
import { encodeQuery, frame, readFrame } from './framing.ts'
import { countDrop } from './stats.ts'
import type { DnsTcp, DnsUdp, DnsUdpSocket, OutgoingQuery, ResolverStats } from './types.ts'
import { decode } from './wire/message.ts'
import type { Message } from './wire/types.ts'

/** Whom the transport tells. */
export interface TransportListener {
  /** Returns why the message was ignored. */
  message(attempt: number, m: Message): string | undefined
  /** `certain`: not just a report of the network that may pass. */
  failed(attempt: number, certain: boolean): void
}

/** Carries each attempt by itself: a socket of its own, on a port of its own, or a connection of its own. */
export class Transport {
  readonly #udp: DnsUdp
  readonly #tcp: DnsTcp | undefined
  readonly #stats: ResolverStats
  readonly #listener: TransportListener
  readonly #sockets = new Map<number, DnsUdpSocket>()
  readonly #connections = new Map<number, AbortController>()

  constructor(udp: DnsUdp, tcp: DnsTcp | undefined, stats: ResolverStats, listener: TransportListener) {
    this.#udp = udp
    this.#tcp = tcp
    this.#stats = stats
    this.#listener = listener
  }

  sendUdp({ attempt, server, query }: OutgoingQuery): void {
    try {
      const socket = this.#udp.bind({
        remote: server,
        onMessage: (buf, off, end, { src }) => {
          if (src.port === server.port && ipEquals(src.address, server.address)) this.#receive(attempt, buf, off, end)
          else countDrop(this.#stats, 'wrong-source')
        },
        onError: (error) => this.#listener.failed(attempt, /_REFUSED$/.test(codeOf(error) ?? '')),
      })
      this.#sockets.set(attempt, socket)
      socket.send(encodeQuery(query))
      this.#stats.udpQueries++
    } catch (error) {
      if (codeOf(error) === undefined) throw error
      this.#listener.failed(attempt, true)
    }
  }

  async sendTcp({ attempt, server, query }: OutgoingQuery): Promise<void> {
    const controller = new AbortController()
    const { signal } = controller
    this.#connections.set(attempt, controller)
    let message: Uint8Array | undefined
    try {
      const flow = await this.#tcp!.connect(server, { signal })
      try {
        signal.throwIfAborted()
        this.#stats.tcpQueries++
        await flow.write(frame(encodeQuery(query)), { signal })
        message = await readFrame(flow, signal)
        void flow.close()
      } catch (error) {
        flow.abort(error)
        throw error
      }
    } catch {
      message = undefined
    }
    if (signal.aborted) return
    this.#connections.delete(attempt)
    // A stream carries nothing but the answer: what is none fails.
    const taken = message !== undefined && this.#receive(attempt, message, 0, message.length)
    if (!taken) this.#listener.failed(attempt, true)
  }

  end(attempt: number): void {
    void this.#sockets.get(attempt)?.close()
    this.#sockets.delete(attempt)
    this.#connections.get(attempt)?.abort()
    this.#connections.delete(attempt)
  }

  #receive(attempt: number, buf: Uint8Array, off: number, end: number): boolean {
    const m = decode(buf, off, end)
    const refusal = typeof m === 'string' ? m : this.#listener.message(attempt, m)
    if (refusal !== undefined) countDrop(this.#stats, refusal)
    return refusal === undefined
  }
}

/** What the network cannot do has a code; anything else is a bug that must be seen. */
function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
