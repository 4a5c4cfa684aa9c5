import { concatBytes } from '@fata/bytes'
import { systemClock } from '@fata/runtime'
import type { Flow } from '../flow.ts'
import { check } from './check.ts'

/** A fresh pair of connected flows. */
export interface FlowEnds {
  readonly a: Flow
  readonly b: Flow
  /**
   * Lets the world go on until `done()` is true, or until it can be said that it will not become true, and returns which. With a
   * virtual clock: `(done) => clock.run(done, clock.now() + 60_000)`. Default: so many turns of the event loop, for flows that need no
   * time.
   */
  readonly run?: ((done: () => boolean) => Promise<boolean>) | undefined
  /** Called at the end of the rule, after both flows have been aborted. */
  readonly dispose?: (() => void | Promise<void>) | undefined
}

/** How an operation has ended: not yet, with a value, or with an error. */
export type Outcome<T> =
  | { readonly kind: 'pending' }
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown }

/** An operation that was started; its rejection counts as handled. */
export interface Started<T> {
  readonly outcome: Outcome<T>
}

const TURNS = 50

async function turnEventLoop(done: () => boolean): Promise<boolean> {
  const { defer } = systemClock()
  for (let i = 0; i < TURNS && !done(); i++) await new Promise<void>((resolve) => defer(resolve))
  return done()
}

/** What one rule works with: two flows, and the passing of time. */
export class Scene {
  readonly a: Flow
  readonly b: Flow
  readonly #run: (done: () => boolean) => Promise<boolean>

  constructor(ends: FlowEnds) {
    this.a = ends.a
    this.b = ends.b
    this.#run = ends.run ?? turnEventLoop
  }

  /** Watches an operation without waiting for it. */
  start<T>(promise: Promise<T>): Started<T> {
    const started: { outcome: Outcome<T> } = { outcome: { kind: 'pending' } }
    promise.then(
      (value) => {
        started.outcome = { kind: 'value', value }
      },
      (error: unknown) => {
        started.outcome = { kind: 'error', error }
      },
    )
    return started
  }

  /** Lets the world go on until the operation has ended, or nothing more happens. */
  async outcomeOf<T>(operation: Promise<T> | Started<T>): Promise<Outcome<T>> {
    const started = operation instanceof Promise ? this.start(operation) : operation
    await this.#run(() => started.outcome.kind !== 'pending')
    return started.outcome
  }

  /** The value of an operation that must succeed. */
  async settle<T>(operation: Promise<T> | Started<T>, what: string): Promise<T> {
    const outcome = await this.outcomeOf(operation)
    check(outcome.kind !== 'pending', `${what}: still pending when nothing more happens`)
    if (outcome.kind === 'error') throw new Error(`${what} failed: ${outcome.error}`, { cause: outcome.error })
    return outcome.value
  }

  /** The error of an operation that must fail. */
  async failure(operation: Promise<unknown> | Started<unknown>, what: string): Promise<unknown> {
    const outcome = await this.outcomeOf(operation)
    check(outcome.kind !== 'pending', `${what}: still pending when nothing more happens`)
    check(outcome.kind === 'error', `${what}: expected a rejection`)
    return outcome.error
  }

  /** Everything that happens by itself has happened. */
  async idle(): Promise<void> {
    await this.#run(() => false)
  }

  /** Reads exactly `length` bytes. */
  async read(flow: Flow, length: number, what: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    let missing = length
    while (missing > 0) {
      const chunk = await this.settle(flow.read(), `${what}: read with ${missing} bytes to come`)
      check(chunk !== null, `${what}: the end came with ${missing} bytes to come`)
      check(chunk.length > 0, `${what}: an empty chunk`)
      chunks.push(chunk)
      missing -= chunk.length
    }
    check(missing === 0, `${what}: ${-missing} bytes more than were written`)
    return concatBytes(chunks)
  }

  /** Reads up to the end. The chunks are kept as they were given. */
  async readToEnd(flow: Flow, what: string): Promise<Uint8Array> {
    const chunks: Uint8Array[] = []
    for (;;) {
      const chunk = await this.settle(flow.read(), what)
      if (chunk === null) return concatBytes(chunks)
      check(chunk.length > 0, `${what}: an empty chunk`)
      chunks.push(chunk)
    }
  }
}

/** Makes a scene, runs `test` in it and tears it down. */
export async function inScene(
  create: () => FlowEnds | Promise<FlowEnds>,
  test: (scene: Scene) => Promise<void>,
): Promise<void> {
  const ends = await create()
  try {
    await test(new Scene(ends))
  } finally {
    ends.a.abort()
    ends.b.abort()
    await ends.dispose?.()
  }
}

/** Bytes that differ from place to place and from seed to seed. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let x = seed >>> 0
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}
