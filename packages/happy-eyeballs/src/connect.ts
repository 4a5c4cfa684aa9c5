import { type Endpoint, formatEndpoint, type IpAddress, isIpv4, parseIp } from '@fata/addr'
import { type Clock, createDriver, type Driver, type Logger, silentLogger } from '@fata/runtime'
import { type Family, HappyEyeballsCore, type Output } from './core/core.ts'
import { type SourceAddress, sortDestinations } from './core/selection.ts'
import { type Failure, HappyEyeballsError } from './errors.ts'
import { type HappyEyeballsOptions, settings } from './options.ts'

/** What takes part in the race: a connection that can be thrown away. */
export interface Racer {
  abort(reason?: unknown): void
}

/** How to resolve and to connect, and how to race. */
export interface ConnectOptions<F extends Racer> extends HappyEyeballsOptions {
  /**
   * Finds the addresses of one family, as `lookup` of @fata/dns does. Rejects, or resolves with none, where there are none. Not called for
   * addresses.
   */
  readonly resolve: (
    name: string,
    options: { readonly family: 4 | 6; readonly signal: AbortSignal },
  ) => Promise<readonly IpAddress[]>
  /** Connects to one address, as `connect` of @fata/tcp does. Where it ignores the signal, a connection that comes too late is aborted. */
  readonly connect: (endpoint: Endpoint, options: { readonly signal: AbortSignal }) => Promise<F>
  readonly clock: Clock
  readonly log?: Logger | undefined
  /** Gives up, and with it everything that is under way. */
  readonly signal?: AbortSignal | undefined
  /** Only addresses of this family. Default: both. */
  readonly family?: 4 | 6 | undefined
  /**
   * The addresses of this host, for RFC 6724: destinations without a fitting one come last. Called when there are destinations to sort.
   * Default: destinations are sorted by themselves.
   */
  readonly sources?: (() => readonly SourceAddress[]) | undefined
}

/**
 * Connects to the first address of a host that answers (RFC 8305): to a name, an address as text, or any of several addresses. Rejects with
 * HappyEyeballsError `ERR_HAPPY_EYEBALLS_NO_ADDRESS` or `ERR_HAPPY_EYEBALLS_FAILED`, or the signal's reason. Throws a RangeError for a port
 * that is none or options out of range, a TypeError for an empty name.
 */
export function connect<F extends Racer>(
  host: string | readonly IpAddress[],
  port: number,
  options: ConnectOptions<F>,
): Promise<F> {
  if (!(Number.isInteger(port) && port >= 1 && port <= 65535))
    throw new RangeError(`port must be an integer in 1..65535, got ${String(port)}`)
  if (host === '') throw new TypeError('a host name must not be empty')
  const set = settings(options)
  const core = new HappyEyeballsCore(set, (addresses) => sortDestinations(addresses, options.sources?.()))
  if (options.signal?.aborted === true) return Promise.reject(options.signal.reason)
  return new Promise((resolve, reject) => new Race(core, host, port, options, resolve, reject).start())
}

const FAMILIES: readonly Family[] = [6, 4]

class Race<F extends Racer> {
  readonly #host: string | readonly IpAddress[]
  readonly #port: number
  readonly #options: ConnectOptions<F>
  readonly #log: Logger
  readonly #driver: Driver<HappyEyeballsCore>
  readonly #resolve: (flow: F) => void
  readonly #reject: (reason: unknown) => void
  readonly #queries = new Map<Family, AbortController>()
  readonly #attempts = new Map<number, AbortController>()
  readonly #failures: Failure[] = []
  #winner: F | undefined

  constructor(
    core: HappyEyeballsCore,
    host: string | readonly IpAddress[],
    port: number,
    options: ConnectOptions<F>,
    resolve: (flow: F) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#host = host
    this.#port = port
    this.#options = options
    this.#log = options.log ?? silentLogger
    this.#driver = createDriver<Output, HappyEyeballsCore>(core, options.clock, (out) => this.#perform(out))
    this.#resolve = resolve
    this.#reject = reject
  }

  start(): void {
    this.#options.signal?.addEventListener('abort', this.#onAbort)
    const families = FAMILIES.filter((f) => this.#options.family === undefined || this.#options.family === f)
    const literal = typeof this.#host === 'string' ? parseIp(this.#host) : undefined
    const given = literal === undefined ? this.#host : [literal]
    this.#driver.step((core, now) => {
      if (typeof given === 'string') core.start(now, families)
      else
        core.startWith(
          now,
          given.filter((a) => families.includes(isIpv4(a) ? 4 : 6)),
        )
    })
  }

  readonly #onAbort = (): void => {
    this.#driver.step((core) => core.cancel())
    this.#finish()
    this.#reject(this.#options.signal?.reason)
  }

  #perform(out: Output): void {
    switch (out.kind) {
      case 'resolve':
        void this.#query(this.#host as string, out.family)
        break
      case 'connect':
        void this.#connect(out.attempt, { address: out.address, port: this.#port })
        break
      case 'abort-resolve':
        this.#queries.get(out.family)?.abort()
        this.#queries.delete(out.family)
        break
      case 'abort-connect':
        this.#attempts.get(out.attempt)?.abort()
        this.#attempts.delete(out.attempt)
        break
      case 'resolve-timeout':
        this.#failures.push({ kind: 'resolve', family: out.family, error: timeoutError('the query for addresses') })
        break
      case 'connect-timeout':
        this.#connectFailed({ address: out.address, port: this.#port }, timeoutError('the attempt to connect'))
        break
      case 'won':
        this.#finish()
        this.#resolve(this.#winner!)
        break
      case 'lost':
        this.#finish()
        this.#reject(this.#lost(out.attempts))
        break
      default:
        out satisfies never
    }
  }

  async #query(name: string, family: Family): Promise<void> {
    const controller = new AbortController()
    this.#queries.set(family, controller)
    let addresses: readonly IpAddress[] = []
    try {
      addresses = await this.#options.resolve(name, { family, signal: controller.signal })
    } catch (error) {
      if (!controller.signal.aborted) this.#failures.push({ kind: 'resolve', family, error })
    }
    if (controller.signal.aborted) return
    this.#queries.delete(family)
    const fitting = addresses.filter((a) => isIpv4(a) === (family === 4))
    this.#driver.step((core, now) => core.resolved(now, family, fitting))
  }

  async #connect(attempt: number, endpoint: Endpoint): Promise<void> {
    const controller = new AbortController()
    this.#attempts.set(attempt, controller)
    if (this.#log.enabled('debug'))
      this.#log.log('debug', 'happy-eyeballs', 'connecting', { attempt, endpoint: formatEndpoint(endpoint) })
    let flow: F
    try {
      flow = await this.#options.connect(endpoint, { signal: controller.signal })
    } catch (error) {
      if (controller.signal.aborted) return
      this.#attempts.delete(attempt)
      this.#connectFailed(endpoint, error)
      this.#driver.step((core, now) => core.connectFailed(now, attempt))
      return
    }
    if (controller.signal.aborted) {
      flow.abort(controller.signal.reason)
      return
    }
    this.#winner = flow
    this.#attempts.delete(attempt)
    this.#driver.step((core) => core.connected(attempt))
  }

  #connectFailed(endpoint: Endpoint, error: unknown): void {
    this.#failures.push({ kind: 'connect', endpoint, error })
    if (this.#log.enabled('debug'))
      this.#log.log('debug', 'happy-eyeballs', 'not connected', { endpoint: formatEndpoint(endpoint), error })
  }

  #finish(): void {
    this.#driver.stop()
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
  }

  #lost(attempts: number): HappyEyeballsError {
    const host = typeof this.#host === 'string' ? this.#host : 'the host'
    return attempts === 0
      ? new HappyEyeballsError('ERR_HAPPY_EYEBALLS_NO_ADDRESS', `${host} has no address to connect to`, this.#failures)
      : new HappyEyeballsError(
          'ERR_HAPPY_EYEBALLS_FAILED',
          `${host} took no connection in ${attempts} attempts`,
          this.#failures,
        )
  }
}

function timeoutError(what: string): DOMException {
  return new DOMException(`${what} has taken too long`, 'TimeoutError')
}
