import { TCP_STATES } from '@fata/posix'
import type { CallContext } from './calls.ts'
import { Mismatch, ScriptError, Unsupported } from './errors.ts'
import { Evaluator } from './evaluate.ts'
import { Host } from './host.ts'
import { type Mode, type Network, networkFor } from './mode.ts'
import { parseScript } from './parser.ts'
import { runPython, type Value } from './python.ts'
import { runCall } from './run-call.ts'
import { expectPacket, injectPacket } from './run-packet.ts'
import type { CallSpec, Script, ScriptEvent } from './script.ts'
import { type Profile, settingsFor } from './settings.ts'
import { runCommand } from './shell.ts'
import { remotePorts, type World } from './world.ts'

export interface RunOptions {
  /** Which system the host passes for. Default `'linux'`. */
  readonly profile?: Profile | undefined
  /** Neither option order and padding, window values, PSH within a burst nor buffer sizes count. Default false. */
  readonly relaxed?: boolean | undefined
}

/** The outcome of one script in one mode. `message` says what was expected and what came, or why nothing can be said. */
export type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'fail' | 'skip'; readonly line: number; readonly message: string }

const DEFAULT_TOLERANCE_US = 4000
const DEFAULT_TOLERANCE_PERCENT = 12.5
const US_PER_MS = 1000
/** How long an outbound packet whose time does not matter is waited for. */
const ANY_TIME_MS = 300_000
/** A tick of a timestamp; 0: their values do not count. */
const STAMP_TICK_US = 0

/** Runs a script from its text. Never throws for what a script or the stack does. */
export async function runScript(text: string, mode: Mode, options: RunOptions = {}): Promise<Verdict> {
  let script: Script
  try {
    script = parseScript(text)
  } catch (error) {
    if (error instanceof ScriptError) return { kind: 'fail', line: error.line, message: error.message }
    throw error
  }
  const run = new Run(script, mode, options)
  try {
    return await run.run()
  } finally {
    await run.end()
  }
}

/** The modes that a script is for: that of its `--ip_version`, or all. */
export function modesOf(text: string, all: readonly Mode[]): readonly Mode[] {
  const named = /^\s*--ip_version=([\w-]+)/m.exec(text)?.[1]?.replaceAll('_', '-')
  if (named === undefined) return all
  return all.filter((mode) => mode === named)
}

/** A call that waits while other events happen. */
interface Pending {
  readonly line: number
  readonly end: number
  done: { readonly at: number; readonly error: unknown } | undefined
}

/** One script on its way. */
class Run {
  readonly #script: Script
  readonly #options = new Map<string, string>()
  readonly #defines: Map<string, string>
  readonly #network: Network
  readonly #settings
  readonly #relaxed: boolean
  readonly #fds: CallContext['fds'] = new Map()
  readonly #sockets: CallContext['sockets'] = new Map()
  readonly #names = new Map<string, Value>(Object.entries(TCP_STATES))
  #world: World | undefined
  #stale = false
  /** When the script's time 0 was, on the clock; the script's present time, us. */
  #zero = 0
  #last = 0
  /** Time of the event before, as the script has it, and whether packets in a row count from it. */
  #anchor: number | undefined
  #pending: Pending | undefined
  #line = 0

  constructor(script: Script, mode: Mode, { profile = 'linux', relaxed = false }: RunOptions) {
    this.#script = script
    this.#relaxed = relaxed
    this.#settings = settingsFor(profile)
    for (const { name, value } of script.options) this.#options.set(name, value ?? '')
    // Scripts of BSD expect the segment sizes of IPv6's own MTU.
    const mtu = this.#options.get('mtu') ?? (profile === 'freebsd' ? '1500' : undefined)
    this.#network = networkFor(mode, mtu === undefined ? undefined : Number(mtu))
    this.#defines = new Map(this.#network.defines)
    for (const { name, value } of script.options) {
      const [, key, text] = /^([^=]+)=([\s\S]*)$/.exec(value ?? '') ?? []
      if ((name === 'define' || name === 'D') && key !== undefined) this.#defines.set(key, text!)
    }
  }

  async run(): Promise<Verdict> {
    try {
      this.#refuseOptions()
      if (this.#script.init !== undefined) {
        this.#line = this.#script.init.line
        this.#command(this.#script.init.text)
      }
      for (const event of this.#script.events) {
        this.#line = event.line
        await this.#event(event)
      }
      await this.#awaitPending(Number.POSITIVE_INFINITY)
      return { kind: 'pass' }
    } catch (error) {
      return this.#verdict(error)
    }
  }

  async end(): Promise<void> {
    await this.#world?.host.close()
  }

  #verdict(error: unknown): Verdict {
    if (!(error instanceof Error)) throw error
    const kind = error instanceof Unsupported ? 'skip' : 'fail'
    return { kind, line: this.#line, message: error.message }
  }

  #refuseOptions(): void {
    const remote = ['wire_client', 'wire_server', 'so_filename', 'udp_encaps', 'tun_dev']
    for (const name of remote) if (this.#options.has(name)) throw new Unsupported(`the option --${name}`)
  }

  #number(option: string, standard: number): number {
    const value = this.#options.get(option)
    return value === undefined || value === '' ? standard : Number(value)
  }

  /** The host, started when the first event needs it: commands before that may still change what it is. */
  async #start(): Promise<World> {
    if (this.#world !== undefined && !(this.#stale && this.#world.host.posix.size === 0)) return this.#world
    const elapsed = this.#world === undefined ? 0 : this.#world.host.clock.now() - this.#zero
    await this.#world?.host.close()
    this.#stale = false
    const host = await Host.create(this.#network, this.#settings)
    this.#zero = host.clock.now() - elapsed
    const tick = this.#number('tcp_ts_tick_usecs', STAMP_TICK_US)
    const tolerance = this.#number('tolerance_usecs', DEFAULT_TOLERANCE_US)
    this.#world = {
      network: this.#network,
      host,
      socketUnderTest: undefined,
      bindPort: this.#number('bind_port', 8080),
      connectPort: this.#number('connect_port', 8080),
      relaxed: this.#relaxed,
      strictSegments: this.#options.has('strict_segments'),
      scaledEchoes: this.#options.has('tcp_ts_ecr_scaled'),
      stampTolerance: tick === 0 ? Number.POSITIVE_INFINITY : tolerance / tick,
      nextRemotePort: remotePorts(),
      scriptSeconds: (at) => seconds(this.#toScript(at)),
    }
    return this.#world
  }

  #toClock(us: number): number {
    return this.#zero + us / US_PER_MS
  }

  #toScript(at: number): number {
    return Math.round((at - this.#zero) * US_PER_MS)
  }

  #now(): number {
    return this.#world === undefined ? this.#last : this.#toScript(this.#world.host.clock.now())
  }

  async #event(event: ScriptEvent): Promise<void> {
    const { time, action } = event
    const inbound = action.kind === 'packet' && action.packet.inbound
    // Packets of the peer count from each other's times, everything else from what really happened.
    const base = this.#anchor !== undefined && inbound ? this.#anchor : this.#now()
    const at = time.kind === 'any' ? base : time.kind.startsWith('relative') ? base + time.at : time.at
    this.#anchor = inbound ? at : undefined
    if (action.kind === 'packet' && !inbound) {
      await this.#expect(event, base, at)
    } else {
      await this.#reach(at)
      await this.#act(event, base)
    }
    this.#last = at
  }

  /** Lets time pass until the event. */
  async #reach(at: number): Promise<void> {
    const tolerance = this.#tolerance(at)
    if (this.#now() > at + tolerance)
      throw new Mismatch(`this should happen at ${seconds(at)}, and it is ${seconds(this.#now())} already`)
    await this.#world?.host.advanceTo(this.#toClock(at))
    this.#last = Math.max(this.#last, at)
  }

  async #act(event: ScriptEvent, base: number): Promise<void> {
    const { action } = event
    switch (action.kind) {
      case 'command':
        this.#command(action.text)
        break
      case 'packet': {
        const w = await this.#start()
        injectPacket(w, action.packet)
        await w.host.settle()
        break
      }
      case 'code':
        await this.#start()
        this.#code(action.text)
        break
      case 'call':
        await this.#call(action.call, event, base)
        break
      default:
        action satisfies never
    }
  }

  #command(text: string): void {
    const host = this.#world?.host
    runCommand(text, this.#settings, {
      count: (state) => (host?.tcp.connections() ?? []).filter((c) => plain(c.state) === plain(state)).length,
    })
    this.#stale = true
  }

  async #expect(event: ScriptEvent, base: number, at: number): Promise<void> {
    const { time, action } = event
    if (action.kind !== 'packet') return
    const w = await this.#start()
    const ranged = time.kind === 'absolute-range' || time.kind === 'relative-range'
    const end = ranged ? (time.kind === 'relative-range' ? base + time.end : time.end) : at
    const tolerance = this.#tolerance(at)
    const limit = time.kind === 'any' ? w.host.clock.now() + ANY_TIME_MS : this.#toClock(end + tolerance)
    const sentAt = this.#toScript(await expectPacket(w, action.packet, limit))
    if (time.kind === 'any') return
    if (sentAt < at - tolerance || sentAt > end + tolerance)
      throw new Mismatch(`expected at ${seconds(at)}${ranged ? `~${seconds(end)}` : ''}, it came at ${seconds(sentAt)}`)
  }

  /** How much the time of an event may be off, us. */
  #tolerance(at: number): number {
    const least = this.#number('tolerance_usecs', DEFAULT_TOLERANCE_US)
    const percent = this.#number('tolerance_percent', DEFAULT_TOLERANCE_PERCENT)
    return Math.max(least, ((at - this.#last) * percent) / 100)
  }

  async #call(spec: CallSpec, event: ScriptEvent, base: number): Promise<void> {
    const w = await this.#start()
    await this.#awaitPending(0)
    const relative = event.time.kind === 'relative' ? base : 0
    const pending: Pending = {
      line: event.line,
      end: spec.end === undefined ? 0 : relative + spec.end,
      done: undefined,
    }
    const context: CallContext = {
      world: w,
      evaluate: new Evaluator(this.#defines),
      fds: this.#fds,
      sockets: this.#sockets,
      relaxed: this.#relaxed,
    }
    runCall(context, spec).then(
      () => {
        pending.done = { at: w.host.clock.now(), error: undefined }
      },
      (error) => {
        pending.done = { at: w.host.clock.now(), error }
      },
    )
    await w.host.settle()
    if (spec.end === undefined) {
      if (pending.done === undefined) throw new Mismatch(`${spec.name} does not return`)
      if (pending.done.error !== undefined) throw pending.done.error
    } else {
      this.#pending = pending
    }
  }

  /** The call that waits must be done, at most so much later. */
  async #awaitPending(patienceMs: number): Promise<void> {
    const pending = this.#pending
    const w = this.#world
    if (pending === undefined || w === undefined) return
    this.#pending = undefined
    const tolerance = this.#tolerance(pending.end)
    const limit = Math.max(
      w.host.clock.now(),
      Math.min(this.#toClock(pending.end + tolerance), w.host.clock.now() + patienceMs),
    )
    await w.host.clock.run(() => pending.done !== undefined, limit)
    const { line } = this
    this.#line = pending.line
    if (pending.done === undefined) throw new Mismatch(`the call still waits at ${seconds(this.#now())}`)
    if (pending.done.error !== undefined) throw pending.done.error
    const at = this.#toScript(pending.done.at)
    if (Math.abs(at - pending.end) > tolerance)
      throw new Mismatch(`the call should return at ${seconds(pending.end)}, it did at ${seconds(at)}`)
    this.#line = line
  }

  get line(): number {
    return this.#line
  }

  /** Python sees the tcp_info of the socket under test. */
  #code(text: string): void {
    const w = this.#world!
    const fd = w.socketUnderTest?.fd
    if (fd !== undefined && /tcpi_/.test(text)) {
      const info = w.host.posix.getsockopt(fd, 6, 11)
      if (typeof info === 'object')
        for (const [name, value] of Object.entries(info)) this.#names.set(name, value as number)
    }
    runPython(text, this.#names)
  }
}

function seconds(us: number): string {
  return (us / 1e6).toFixed(6)
}

/** TIME-WAIT, TIME_WAIT */
function plain(state: string): string {
  return state.replaceAll(/[^A-Z0-9]/g, '')
}
