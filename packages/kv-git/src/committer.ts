import { errorCode, type KvBatch, type KvCheck, KvError, type KvOp } from '@fata/kv'
import { Draft } from './draft.ts'
import { NewObjects, type Objects } from './objects.ts'
import type { Job } from './queue.ts'
import { initialOps, type Ref, type Refs } from './refs.ts'

/** Others may overtake a write so often. */
const MAX_CONFLICTS = 100

export interface CommitterDeps {
  readonly store: KvBatch
  readonly objects: Objects
  readonly refs: Refs
  readonly branch: string
}

/** Adds to a draft of the branch. What it rejects with it has not changed. */
export type Work = (draft: Draft) => Promise<void>

/** Puts new commits on a branch, many with one write of the store below. */
export class Committer {
  readonly #deps: CommitterDeps

  constructor(deps: CommitterDeps) {
    this.#deps = deps
  }

  /** Settles every job, once all that went well is in the store. */
  async run(jobs: readonly Job<Work>[]): Promise<void> {
    const open = new Set(jobs)
    try {
      for (let conflicts = 0; conflicts < MAX_CONFLICTS; conflicts++) {
        const failures = new Map<Job<Work>, unknown>()
        if (!(await this.#attempt(jobs, failures))) continue
        for (const job of jobs) {
          open.delete(job)
          if (failures.has(job)) job.reject(failures.get(job))
          else job.resolve()
        }
        return
      }
      throw new KvError('KV_IO', {
        message: 'others change the branch all the time',
        cause: new Error(`${MAX_CONFLICTS} conflicts`),
      })
    } catch (error) {
      for (const job of open) job.reject(error)
    }
  }

  /** False when the branch has changed meanwhile: then nothing has happened. */
  async #attempt(jobs: readonly Job<Work>[], failures: Map<Job<Work>, unknown>): Promise<boolean> {
    const { objects, refs, store, branch } = this.#deps
    const ref = await refs.read(`refs/heads/${branch}`)
    const head = ref.id === undefined ? undefined : await objects.commit(ref.id)
    const draft = new Draft(new NewObjects(objects, store.capabilities.maxValueBytes), head)
    for (const job of jobs) {
      try {
        await job.work(draft)
      } catch (error) {
        failures.set(job, error)
      }
    }
    return draft.head === ref.id || this.#write(draft, ref)
  }

  async #write(draft: Draft, ref: Ref): Promise<boolean> {
    const { refs, store, branch } = this.#deps
    const { op, check } = refs.update(ref, draft.head!, store.capabilities.digest)
    const first = (await refs.head()) === undefined
    const last: KvOp[] = [...(first ? initialOps(branch) : []), op]
    const checks: KvCheck[] = [...(first ? [{ key: '/HEAD', digest: null }] : []), check]
    try {
      const parts = split(draft.objects.ops(), last, store.capabilities)
      // Objects that nothing refers to do not show: only the last part changes the branch.
      for (const part of parts.slice(0, -1)) await store.batch(part)
      await store.batch(parts.at(-1)!, { checks })
      return true
    } catch (error) {
      const code = errorCode(error)
      if (code === 'KV_CHECK_FAILED') {
        if ((await store.exists(check.key)) === 'dictionary') throw inTheWay(error)
        return false
      }
      throw code === undefined ? error : below(code, error)
    }
  }
}

/** The store below names keys that mean nothing here. */
function below(code: KvError['code'], cause: unknown): KvError {
  if (code === 'KV_DICTIONARY_EXPECTED') return inTheWay(cause)
  return new KvError(code, { message: `the store below: ${(cause as Error).message}`, cause })
}

/** Of the branches `a` and `a/b` there can be only one. */
function inTheWay(cause: unknown): KvError {
  return new KvError('KV_ALREADY_PRESENT', { message: 'the name of another branch is in the way', cause })
}

/** The operations in batches that the store takes; `last` is all in the last of them. */
function split(
  ops: readonly KvOp[],
  last: readonly KvOp[],
  limits: { readonly maxBatchOps: number; readonly maxBatchBytes: number },
): KvOp[][] {
  const parts: KvOp[][] = [[...last]]
  let bytes = sizeOf(last)
  for (const op of ops) {
    const size = sizeOf([op])
    const room = parts[0]!.length < limits.maxBatchOps && bytes + size <= limits.maxBatchBytes
    if (!room) {
      parts.unshift([])
      bytes = 0
    }
    parts[0]!.unshift(op)
    bytes += size
  }
  return parts
}

function sizeOf(ops: readonly KvOp[]): number {
  return ops.reduce((sum, op) => sum + (op.op === 'set' ? op.value.length : 0), 0)
}
