import type { Duplex } from 'node:stream'
import type { Endpoint } from '@fata/addr'
import type { Flow } from '@fata/flow'

/** A flow, with what a TCP flow has beyond it. */
export interface DuplexSource extends Flow {
  readonly local?: Endpoint | undefined
  readonly remote?: Endpoint | undefined
  /** What `setNoDelay` and `setKeepAlive` call; without it they do nothing. */
  configure?(options: { noDelay?: boolean; keepalive?: boolean | { idleMs?: number } }): void
}

/** How the stream differs from its flow. */
export interface DuplexOptions {
  /** Default: the flow's. */
  readonly local?: Endpoint | undefined
  readonly remote?: Endpoint | undefined
  /**
   * Whether writing goes on after the peer has ended. As with `net.Socket` the default is false: the stream ends itself then. True for
   * proxies and for protocols that half-close.
   */
  readonly allowHalfOpen?: boolean | undefined
}

/** The part of `net.Socket` that libraries use. */
export interface FlowDuplex extends Duplex {
  /** False but between a call of `connect` and its event. */
  readonly connecting: boolean
  readonly pending: boolean
  readonly readyState: 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed'
  readonly remoteAddress: string | undefined
  readonly remotePort: number | undefined
  readonly remoteFamily: 'IPv4' | 'IPv6' | undefined
  readonly localAddress: string | undefined
  readonly localPort: number | undefined
  readonly localFamily: 'IPv4' | 'IPv6' | undefined
  /** Bytes that came from the flow. */
  readonly bytesRead: number
  /** Bytes that were written, those that wait included. */
  readonly bytesWritten: number
  /** As set by `setTimeout`. */
  readonly timeout: number | undefined
  /** The local endpoint; empty where it is not known. */
  address(): { address: string; family: 'IPv4' | 'IPv6'; port: number } | Record<string, never>
  /** The stream is connected already: emits `'connect'` and `'ready'` soon, whatever the arguments; a function among them is called then. */
  connect(...args: unknown[]): this
  /** Ends the writing side, then destroys the stream. */
  destroySoon(): void
  /** Destroys the stream by aborting the flow: the peer sees an error. */
  resetAndDestroy(): this
  setNoDelay(noDelay?: boolean): this
  setKeepAlive(enable?: boolean, initialDelayMs?: number): this
  /** Emits `'timeout'` when nothing was read or written for `ms`; 0 for never. Throws a TypeError or RangeError on what is no time. */
  setTimeout(ms: number, listener?: () => void): this
  /** Nothing: whether the process lives is the device's affair. */
  ref(): this
  unref(): this
}
