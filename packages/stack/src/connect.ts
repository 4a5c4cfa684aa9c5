import { type IpAddress, type Prefix, parseIp } from '@fata/addr'
import { connect, type HappyEyeballsOptions, type SourceAddress } from '@fata/happy-eyeballs'
import type { Runtime } from '@fata/runtime'
import type { Tcp, TcpFlow } from '@fata/tcp'
import type { ConnectOptions } from './interface.ts'

/** What `Stack.connect` stands on. */
export interface ConnectParts {
  readonly tcp: Pick<Tcp, 'connect'>
  /** Finds the addresses of one family. */
  readonly lookup: (
    name: string,
    options: { readonly family: 4 | 6; readonly signal: AbortSignal },
  ) => Promise<readonly IpAddress[]>
  /** The families that the stack has. */
  readonly families: readonly (4 | 6)[]
  readonly sources: () => readonly SourceAddress[]
  readonly runtime: Runtime
}

/** `Stack.connect`. */
export function connectByName(
  { tcp, lookup, families, sources, runtime }: ConnectParts,
  host: string | readonly IpAddress[],
  port: number,
  { family, signal, ...flowOptions }: ConnectOptions = {},
  race: HappyEyeballsOptions = {},
): Promise<TcpFlow> {
  const literal = typeof host === 'string' ? parseIp(host) : undefined
  // One address is no race: its own error says more than that of a race which it lost.
  if (literal !== undefined && family === undefined)
    return tcp.connect({ address: literal, port }, { ...flowOptions, signal })
  return connect(host, port, {
    ...race,
    ...(flowOptions.timeoutMs === undefined ? {} : { attemptTimeoutMs: flowOptions.timeoutMs }),
    clock: runtime.clock,
    log: runtime.log,
    signal,
    family: family ?? (families.length === 1 ? families[0] : undefined),
    sources,
    resolve: lookup,
    connect: (endpoint, options) => tcp.connect(endpoint, { ...flowOptions, ...options }),
  })
}

/** Addresses as RFC 6724 looks at them. */
export function sourcesOf(prefixes: readonly Prefix[]): SourceAddress[] {
  return prefixes.map((prefix) => ({ prefix }))
}
