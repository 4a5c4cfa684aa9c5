import { concatBytes } from '@fata/bytes'
import { KvError, type KvErrorCode } from '@fata/kv'
import { END_BYTES, entryHeaders, type NewEntry, padding } from './core/layout.ts'
import { toKvError } from './errors.ts'
import type { TarFile } from './tar-file.ts'
import { BLOCK, isZeroBlock } from './wire.ts'

/** Small pieces are written together, since every write is a system call. */
const TOGETHER_BYTES = 64 * 1024

/**
 * Appends entries so that a crash at any instant leaves all of them or none. The first block is the commit point: while it is
 * zero, it is where the archive ends, and what lies behind it is nothing to any reader. One call at a time.
 */
export class Appender {
  readonly #file: TarFile
  #end: number
  #failure: unknown

  /** `end`: where the archive ends, as `scan` says. */
  constructor(file: TarFile, end: number) {
    this.#file = file
    this.#end = end
  }

  /** Writes the end of the archive where it lacks, and cuts off what an append that did not come to its commit has left. */
  async tidy(): Promise<void> {
    const end = await this.#file.read(this.#end, END_BYTES)
    const isWhole = end.length === END_BYTES && isZeroBlock(end, BLOCK)
    if (isWhole) return
    if (end.length > BLOCK) this.#file.truncate(this.#end)
    await this.#writeAll(new Uint8Array(END_BYTES), this.#end)
  }

  /**
   * Where in the file each value is. Rejects with KvError KV_NO_SPACE, or KV_IO when it could not be made durable; then, as
   * after KV_OUTCOME_UNKNOWN, every later append is refused: the kernel may have forgotten what was to be written.
   */
  async append(entries: readonly NewEntry[]): Promise<number[]> {
    if (this.#failure !== undefined) throw this.#refusal('KV_IO')
    const pieces: Uint8Array[] = []
    const offsets: number[] = []
    let at = this.#end
    for (const entry of entries) {
      const headers = entryHeaders(entry)
      offsets.push(at + headers.length)
      for (const piece of [headers, entry.value, padding(entry.value.length)]) {
        pieces.push(piece)
        at += piece.length
      }
    }
    const [first, ...others] = pieces
    if (!first) return []
    await this.#prepare([first.subarray(BLOCK), ...others, new Uint8Array(END_BYTES)])
    await this.#commit(first.subarray(0, BLOCK))
    this.#end = at
    return offsets
  }

  /** Everything behind the first block. */
  async #prepare(pieces: readonly Uint8Array[]): Promise<void> {
    let position = this.#end + BLOCK
    try {
      for (const chunk of joined(pieces)) {
        await this.#writeAll(chunk, position)
        position += chunk.length
      }
    } catch (error) {
      this.#giveBack()
      throw toKvError(error)
    }
    await this.#sync('KV_IO')
  }

  async #commit(first: Uint8Array): Promise<void> {
    try {
      await this.#writeAll(first, this.#end)
    } catch (error) {
      await this.#withdraw(error)
      throw toKvError(error)
    }
    await this.#sync('KV_OUTCOME_UNKNOWN')
  }

  /** Makes the first block zero again. */
  async #withdraw(reason: unknown): Promise<void> {
    try {
      await this.#writeAll(new Uint8Array(BLOCK), this.#end)
    } catch {
      throw this.#fail(reason, 'KV_OUTCOME_UNKNOWN')
    }
    await this.#sync('KV_OUTCOME_UNKNOWN')
    this.#giveBack()
  }

  /** The space of what was not committed. What stays in spite of it is overwritten by the next append. */
  #giveBack(): void {
    try {
      this.#file.truncate(this.#end + BLOCK)
      this.#file.truncate(this.#end + END_BYTES)
    } catch {
      return
    }
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const n = await this.#file.write(bytes.subarray(at), position + at)
      if (n === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
      at += n
    }
  }

  async #sync(code: KvErrorCode): Promise<void> {
    await this.#file.sync().catch((error: unknown) => {
      throw this.#fail(error, code)
    })
  }

  #fail(cause: unknown, code: KvErrorCode): KvError {
    this.#failure = cause ?? new Error('unknown')
    return this.#refusal(code)
  }

  #refusal(code: KvErrorCode): KvError {
    const message = code === 'KV_IO' ? 'a write could not be made durable; open the store again' : undefined
    return new KvError(code, { message, cause: this.#failure })
  }
}

function* joined(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  let small: Uint8Array[] = []
  let bytes = 0
  for (const piece of pieces) {
    if (small.length > 0 && bytes + piece.length > TOGETHER_BYTES) {
      yield small.length === 1 ? small[0]! : concatBytes(small)
      small = []
      bytes = 0
    }
    small.push(piece)
    bytes += piece.length
  }
  yield concatBytes(small)
}
