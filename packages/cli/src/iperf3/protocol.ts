import { putU32, u32 } from '@fata/bytes'
import type { Random } from '@fata/runtime'
import type { TcpFlow } from '@fata/tcp'
import { CommandError } from '../errors.ts'

// What iperf3 says on its control connection: https://github.com/esnet/iperf, src/iperf_api.h. One byte for each state, JSON behind its length.

export const STATES = {
  testStart: 1,
  testRunning: 2,
  testEnd: 4,
  paramExchange: 9,
  createStreams: 10,
  serverTerminate: 11,
  clientTerminate: 12,
  exchangeResults: 13,
  displayResults: 14,
  iperfDone: 16,
  accessDenied: 255,
  serverError: 254,
} as const

export const DEFAULT_PORT = 5201
export const COOKIE_LEN = 37
/** What a client sends by UDP to open a stream, and what it gets back. Numbers in the byte order of the machine, which is little-endian everywhere. */
export const UDP_CONNECT: Uint8Array = Uint8Array.of(0x39, 0x38, 0x37, 0x36)
export const UDP_REPLY: Uint8Array = Uint8Array.of(0x36, 0x37, 0x38, 0x39)

const MAX_JSON = 1024 * 1024
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** What a client wants, by iperf3's own names. */
export interface Parameters {
  readonly tcp?: boolean
  readonly udp?: boolean
  /** Seconds; 0 where `num` or `blockcount` ends the test. */
  readonly time?: number
  readonly num?: number
  readonly blockcount?: number
  readonly omit?: number
  readonly parallel?: number
  readonly reverse?: boolean
  readonly bidirectional?: boolean
  readonly len?: number
  /** Bits per second of each stream; 0 for as many as go. */
  readonly bandwidth?: number
  readonly nodelay?: boolean
  /** Microseconds. */
  readonly pacing_timer?: number
  readonly udp_counters_64bit?: number
  readonly client_version?: string
}

/** What one end says of one stream. */
export interface StreamResult {
  readonly id: number
  readonly bytes: number
  readonly retransmits: number
  /** Seconds. */
  readonly jitter: number
  readonly errors: number
  readonly packets: number
  readonly start_time: number
  readonly end_time: number
}

/** What one end says of the test. */
export interface Results {
  readonly cpu_util_total: number
  readonly cpu_util_user: number
  readonly cpu_util_system: number
  readonly sender_has_retransmits: number
  readonly congestion_used?: string
  readonly streams: readonly StreamResult[]
}

/** Streams are numbered 1, 3, 4, 5 and so on. */
export function streamId(index: number): number {
  return index === 0 ? 1 : index + 2
}

/** A name for a test that nobody else has. */
export function makeCookie(random: Random): Uint8Array {
  const bytes = new Uint8Array(COOKIE_LEN - 1)
  random.fill(bytes)
  const text = Array.from(bytes, (b) => ALPHABET[b % ALPHABET.length]).join('')
  return new TextEncoder().encode(`${text}\0`)
}

/** A control connection, or a connection that has not said yet what it is. */
export class Control {
  readonly flow: TcpFlow
  readonly #signal: AbortSignal
  #rest: Uint8Array = new Uint8Array(0)

  constructor(flow: TcpFlow, signal: AbortSignal) {
    this.flow = flow
    this.#signal = signal
  }

  /** The next `length` bytes. Rejects with CommandError where the connection ends before. */
  async read(length: number): Promise<Uint8Array> {
    const out = new Uint8Array(length)
    for (let filled = 0; filled < length; ) {
      if (this.#rest.length === 0) {
        const chunk = await this.flow.read({ signal: this.#signal })
        if (chunk === null) throw new CommandError('the other end has closed the control connection')
        this.#rest = chunk
      }
      const part = this.#rest.subarray(0, length - filled)
      out.set(part, filled)
      filled += part.length
      this.#rest = this.#rest.subarray(part.length)
    }
    return out
  }

  async readState(): Promise<number> {
    return (await this.read(1))[0]!
  }

  /** Reads states until `wanted` comes. Rejects with CommandError for one that ends the test. */
  async expectState(wanted: number): Promise<void> {
    const state = await this.readState()
    if (state === wanted) return
    if (state === STATES.accessDenied) throw new CommandError('the server is busy running a test')
    if (state === STATES.serverError) {
      const [code] = [u32(await this.read(8), 0)]
      throw new CommandError(`the server reports error ${code}`)
    }
    if (state === STATES.serverTerminate) throw new CommandError('the server has ended the test')
    if (state === STATES.clientTerminate) throw new CommandError('the client has ended the test')
    throw new CommandError(`unexpected state ${state} instead of ${wanted}`)
  }

  async readJson<T>(): Promise<T> {
    const length = u32(await this.read(4), 0)
    if (length > MAX_JSON) throw new CommandError(`a message of ${length} bytes is too long`)
    const text = new TextDecoder().decode(await this.read(length))
    try {
      return JSON.parse(text) as T
    } catch (cause) {
      throw new CommandError('the other end sends no JSON', { cause })
    }
  }

  writeState(state: number): Promise<void> {
    return this.flow.write(Uint8Array.of(state))
  }

  writeJson(value: unknown): Promise<void> {
    const text = new TextEncoder().encode(JSON.stringify(value))
    const out = new Uint8Array(4 + text.length)
    putU32(out, 0, text.length)
    out.set(text, 4)
    return this.flow.write(out)
  }
}
