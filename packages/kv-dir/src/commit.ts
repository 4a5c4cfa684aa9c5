import { setImmediate } from 'node:timers/promises'
import { type Key, KvError } from '@fata/kv'
import type { Disk } from './disk.ts'
import { ioError, toKvError } from './errors.ts'
import type { Journal } from './journal.ts'
import type { Places, Staged } from './places.ts'
import type { JournalRecord, JournalSet } from './wire.ts'

/** Values that are written before they are synced together. */
export const TOGETHER = 32
const PER_TURN = 256

/** One of several values that are set together, each with an outcome of its own. */
export interface SetRequest extends JournalSet {
  readonly signal: AbortSignal | undefined
  done(): void
  failed(error: unknown): void
}

/** Changes the directory so that a crash at any instant leaves every change whole or undone. One call at a time. */
export class Committer {
  readonly #disk: Disk
  readonly #places: Places
  readonly #journal: Journal
  #halfDone: Promise<void> | undefined

  constructor(disk: Disk, places: Places, journal: Journal) {
    this.#disk = disk
    this.#places = places
    this.#journal = journal
  }

  /** Pending while a batch is visible in part. Throws KvError KV_IO when it stays so. */
  halfDone(): Promise<void> | undefined {
    if (this.#disk.torn) this.#disk.check()
    return this.#halfDone
  }

  /**
   * Sets each value for itself: a temporary file, its sync, the rename to its place (the commit point), the sync of the
   * directories. The keys must not lie at, above or below each other. Never rejects: the requests are told.
   */
  async setEach(requests: readonly SetRequest[]): Promise<void> {
    const staged = new Map<SetRequest, Staged>()
    for (const request of requests) {
      await attempt(request, async () => staged.set(request, await this.#places.stage(request)))
    }
    try {
      await this.#places.sync([...staged.values()], 'KV_IO')
    } catch (error) {
      this.#places.unstage(staged.values())
      for (const request of staged.keys()) request.failed(error)
      return
    }
    for (const [request, one] of staged) {
      if (await attempt(request, () => this.#places.put(one))) continue
      this.#places.unstage([one])
      staged.delete(request)
    }
    const put = [...staged.values()]
    try {
      await this.#places.syncDirs(
        put.flatMap(({ dirs }) => dirs),
        put,
      )
      for (const request of staged.keys()) request.done()
    } catch (error) {
      for (const request of staged.keys()) request.failed(error)
    }
  }

  /** Removes one value: the removal of its name is the commit point. Throws KvError. */
  async removeOne(key: Key): Promise<void> {
    this.#disk.check()
    let dir: string
    try {
      dir = this.#places.remove(key)
    } catch (error) {
      throw toKvError(error, key)
    }
    await this.#places.syncDirs([dir], [])
  }

  /**
   * Applies what a batch comes to, all or nothing. The values are staged first, so that a full disk shows while nothing has
   * happened; then the journal, with the values, makes the batch durable: its commit point. Throws KvError.
   */
  async commit(record: JournalRecord, signal: AbortSignal | undefined): Promise<void> {
    const removed = new Set(record.removes.map(String))
    const staged: Staged[] = []
    const late = record.sets.filter((set) => liesBelow(set.key, removed))
    try {
      this.#disk.check()
      for (const set of record.sets) {
        if (this.#places.isTaken(set.key, removed)) throw ioError('a directory holds what is no value', set.key)
      }
      await this.#stageAll(
        record.sets.filter((set) => !liesBelow(set.key, removed)),
        staged,
      )
      signal?.throwIfAborted()
      await this.#journal.write(record)
    } catch (error) {
      this.#places.unstage(staged)
      throw toKvError(error)
    }
    await this.#apply(record.removes, staged, late)
  }

  /** Applies a journal that an earlier writer has left, from whichever point that writer came to. Throws KvError. */
  async replay(record: JournalRecord): Promise<void> {
    try {
      await this.#apply(record.removes, [], record.sets)
    } catch (error) {
      // The outcome is known: the journal stays, and the next opening tries again, on a disk with more space, say.
      throw toKvError((error as KvError).cause)
    }
  }

  async #apply(removes: readonly Key[], staged: readonly Staged[], late: readonly JournalSet[]): Promise<void> {
    let finish = (): void => {}
    this.#halfDone = new Promise((resolve) => {
      finish = resolve
    })
    try {
      const dirs: string[] = []
      await inTurns(removes, (key) => dirs.push(this.#places.remove(key)))
      await inTurns(staged, (one) => this.#places.put(one))
      const put = [...staged, ...(await this.#putLate(late))]
      this.#halfDone = undefined
      finish()
      await this.#places.syncDirs([...dirs, ...put.flatMap((one) => one.dirs)], put)
      await this.#journal.erase()
    } catch (error) {
      this.#disk.torn = this.#halfDone !== undefined
      throw this.#disk.fail(error instanceof KvError ? error.cause : error, 'KV_OUTCOME_UNKNOWN')
    } finally {
      this.#halfDone = undefined
      finish()
    }
  }

  /** Puts values whose directories could not be made before the removals. */
  async #putLate(sets: readonly JournalSet[]): Promise<Staged[]> {
    const all: Staged[] = []
    for (let at = 0; at < sets.length; at += TOGETHER) {
      const few: Staged[] = []
      for (const set of sets.slice(at, at + TOGETHER)) few.push(await this.#places.stage(set))
      await this.#places.sync(few, 'KV_OUTCOME_UNKNOWN')
      for (const one of few) this.#places.put(one)
      all.push(...few)
    }
    return all
  }

  /** Leaves in `staged` what has to be undone when it throws. */
  async #stageAll(sets: readonly JournalSet[], staged: Staged[]): Promise<void> {
    for (let at = 0; at < sets.length; at += TOGETHER) {
      const from = staged.length
      try {
        for (const set of sets.slice(at, at + TOGETHER)) staged.push(await this.#places.stage(set))
      } finally {
        await this.#places.sync(staged.slice(from), 'KV_IO')
      }
    }
  }
}

/** Takes a step for a request that is not aborted; whether it went well, else the request is told. */
async function attempt(request: SetRequest, step: () => unknown): Promise<boolean> {
  try {
    request.signal?.throwIfAborted()
    await step()
    return true
  } catch (error) {
    request.failed(toKvError(error, request.key))
    return false
  }
}

/** Quick steps for all, with turns of the event loop in between when they are many. */
async function inTurns<T>(all: readonly T[], step: (one: T) => unknown): Promise<void> {
  for (let at = 0; at < all.length; at += PER_TURN) {
    if (at > 0) await setImmediate()
    for (const one of all.slice(at, at + PER_TURN)) step(one)
  }
}

function liesBelow(key: Key, values: ReadonlySet<string>): boolean {
  for (let at = key.parent; at.segments.length > 0; at = at.parent) if (values.has(at.toString())) return true
  return false
}
