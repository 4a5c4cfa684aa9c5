import { KvError, type KvErrorCode } from '@fata/kv'
import type { DirFile, DirFs } from './fs.ts'
import { QUICK_BYTES } from './read.ts'

/**
 * The file system of one writer, with its rule on failure: when a file or directory could not be made durable, the kernel
 * may have forgotten what was to be written, so that trying again would lie. From then on every write is refused.
 */
export class Disk {
  readonly fs: DirFs
  #failure: unknown
  /** A temporary file may be left, be it after a power loss only: the next opening has to look for it. */
  untidy = false
  /** A batch is visible in part only, and stays so until the next opening. */
  torn = false

  constructor(fs: DirFs) {
    this.fs = fs
  }

  get failed(): boolean {
    return this.#failure !== undefined
  }

  /** Throws KvError KV_IO once something could not be made durable. */
  check(): void {
    if (this.failed) throw this.#refusal('KV_IO')
  }

  /** Refuses every write from now on; the error for the write that failed. */
  fail(cause: unknown, code: KvErrorCode): KvError {
    this.#failure ??= cause ?? new Error('unknown')
    return this.#refusal(code)
  }

  #refusal(code: KvErrorCode): KvError {
    const message =
      code === 'KV_OUTCOME_UNKNOWN' ? undefined : 'a write could not be made durable; open the store again'
    return new KvError(code, { message, cause: this.#failure })
  }

  /** All bytes, or it throws: a full disk shows as a short write first. */
  async writeAll(file: DirFile, bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const rest = bytes.subarray(at)
      const n = rest.length <= QUICK_BYTES ? file.writeNow(rest, position + at) : await file.write(rest, position + at)
      if (n === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
      at += n
    }
  }

  /** Rejects with `code` when it fails, for good. */
  async sync(file: DirFile, code: KvErrorCode): Promise<void> {
    this.check()
    await file.sync().catch((error: unknown) => {
      throw this.fail(error, code)
    })
  }

  async syncDirs(paths: Iterable<string>, code: KvErrorCode): Promise<void> {
    this.check()
    const outcomes = await Promise.allSettled([...new Set(paths)].map((path) => this.fs.syncDir(path)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw this.fail(outcome.reason, code)
  }

  /** Removes what the store itself has made and does not need. */
  discard(path: string): void {
    this.untidy = true
    try {
      this.fs.unlink(path)
    } catch {
      return
    }
  }

  /** Whether there was a directory to remove, and it was empty. An empty one that stays is nothing to any reader. */
  removeIfEmpty(path: string): boolean {
    try {
      this.fs.rmdir(path)
      return true
    } catch {
      return false
    }
  }
}
