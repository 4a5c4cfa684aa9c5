import type { Endpoint, IpAddress } from '@fata/addr'
import type { Flow } from '@fata/flow'
import type { Clock, Logger, Random } from '@fata/runtime'
import type { Message, QueryType, RecordOf } from './wire/types.ts'

/** What a resolver needs. */
export interface ResolverDeps {
  readonly udp: DnsUdp
  /** For answers that UDP truncates. Default: these are failures. */
  readonly tcp?: DnsTcp | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log?: Logger | undefined
}

/** Datagrams; `Udp` of @fata/udp is one. */
export interface DnsUdp {
  /**
   * Makes a socket on an unpredictable port that exchanges datagrams with `remote` alone. May throw. `onMessage` gets bytes that are valid during
   * the call, `onError` what the network reports: a `code` that ends with `_REFUSED` says that nobody serves there, anything else may pass.
   */
  bind(options: {
    readonly remote: Endpoint
    readonly onMessage: (buf: Uint8Array, off: number, end: number, info: { readonly src: Endpoint }) => void
    readonly onError: (error: Error) => void
  }): DnsUdpSocket
}

export interface DnsUdpSocket {
  /** Sends to `remote`. May throw. */
  send(data: Uint8Array): void
  close(): Promise<void>
}

/** Connections; `Tcp` of @fata/tcp is one. */
export interface DnsTcp {
  connect(
    to: Endpoint,
    options: { readonly signal: AbortSignal },
  ): Promise<Pick<Flow, 'read' | 'write' | 'close' | 'abort'>>
}

/** For every operation that waits. */
export interface WaitOptions {
  /** Gives up waiting; the question itself goes on, for the cache. */
  readonly signal?: AbortSignal | undefined
}

export interface LookupOptions extends WaitOptions {
  /** Only addresses of this family. Default: both. */
  readonly family?: 4 | 6 | undefined
}

/**
 * Asks recursive name servers. Every operation rejects with DnsError: `ERR_DNS_NOT_FOUND` (no such name), `ERR_DNS_NO_DATA` (the name has no such records),
 * `ERR_DNS_TIMEOUT`, `ERR_DNS_SERVFAIL`, `ERR_DNS_REFUSED`, `ERR_DNS_BAD_ANSWER`, `ERR_DNS_UNREACHABLE`, `ERR_DNS_NO_SERVERS`, `ERR_DNS_BAD_NAME`,
 * `ERR_DNS_LIMIT`, `ERR_DNS_CLOSED`; or with the signal's reason.
 */
export interface Resolver extends AsyncDisposable {
  readonly stats: ResolverStats
  /**
   * The addresses of a host, at least one, IPv6 first and otherwise in the order in which they came. Names are completed by the search list; a final
   * dot says that a name is complete. Addresses as text and `localhost` are answered here.
   */
  lookup(name: string, options?: LookupOptions): Promise<IpAddress[]>
  /** The records of a name, at least one, aliases followed; their TTL is what is left of it. The name is taken as complete. */
  resolve<T extends QueryType>(name: string, type: T, options?: WaitOptions): Promise<RecordOf<T>[]>
  /** The names of an address. */
  reverse(address: IpAddress, options?: WaitOptions): Promise<string[]>
  /**
   * Asks these servers from here on, and forgets what others have said. Questions under way stay with theirs. `search` replaces the search list.
   * Throws a RangeError or TypeError for nonsense.
   */
  setServers(servers: readonly (Endpoint | IpAddress)[], search?: readonly string[]): void
  /** Ends everything that waits with `ERR_DNS_CLOSED`. Idempotent, never rejects. */
  close(): Promise<void>
}

/** Counters since the resolver was made. */
export interface ResolverStats {
  /** Questions sent, by UDP and by TCP, each repetition included. */
  udpQueries: number
  tcpQueries: number
  /** Answers that were taken. */
  answers: number
  cacheHits: number
  /** Answers that gave way to others before their time. */
  evictions: number
  /** Servers that did not answer in time. */
  timeouts: number
  /**
   * Received and without effect: the reasons of `Malformed`, `wrong-source`, `not-an-answer`, `wrong-id`, `wrong-question`, `unexpected` (nobody waits for it).
   */
  readonly dropped: Record<string, number>
}

/** A message on its way to a server. */
export interface OutgoingQuery {
  readonly attempt: number
  readonly server: Endpoint
  readonly query: Message
}
