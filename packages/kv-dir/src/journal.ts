import type { Disk } from './disk.ts'
import { errno } from './errors.ts'
import { QUICK_BYTES, readRange } from './read.ts'
import { decodeJournal, encodeJournal, type JournalRecord } from './wire.ts'

/** The file `journal` in the store's own directory: there from the commit point of a batch until it is applied. */
export class Journal {
  readonly #disk: Disk
  readonly #dir: string
  readonly #path: string

  /** `dir`: the store's own directory; its name and that of the journal are durable before anything is applied. */
  constructor(disk: Disk, dir: string) {
    this.#disk = disk
    this.#dir = dir
    this.#path = `${dir}/journal`
  }

  /**
   * Makes the batch durable. When it throws KV_OUTCOME_UNKNOWN, nobody knows whether the next opening will find the journal;
   * before that, an incomplete one is known by its digest.
   */
  async write(record: JournalRecord): Promise<void> {
    const file = this.#disk.fs.create(this.#path)
    try {
      let position = 0
      for (const piece of joined(encodeJournal(record))) {
        await this.#disk.writeAll(file, piece, position)
        position += piece.length
      }
    } catch (error) {
      file.close()
      this.#withdraw()
      throw error
    }
    await this.#disk.sync(file, 'KV_OUTCOME_UNKNOWN').finally(() => file.close())
    await this.#disk.syncDirs([this.#dir], 'KV_OUTCOME_UNKNOWN')
  }

  #withdraw(): void {
    try {
      this.#disk.fs.unlink(this.#path)
    } catch (error) {
      throw this.#disk.fail(error, 'KV_IO')
    }
  }

  /** Once the batch is applied durably. Were the removal not durable, a later write could be undone by a replay. */
  async erase(): Promise<void> {
    this.#disk.fs.unlink(this.#path)
    await this.#disk.syncDirs([this.#dir], 'KV_OUTCOME_UNKNOWN')
  }

  /** What is to be replayed; undefined without a journal. One that is not whole was never committed, and is removed. */
  async recover(): Promise<JournalRecord | undefined> {
    const bytes = await this.#read()
    if (!bytes) return undefined
    const record = decodeJournal(bytes)
    if (typeof record !== 'string') return record
    this.#disk.fs.unlink(this.#path)
    return undefined
  }

  /** What is read is durable: a killed writer may have left it in the kernel's memory only. */
  async #read(): Promise<Uint8Array | undefined> {
    let file: ReturnType<Disk['fs']['open']>
    try {
      file = this.#disk.fs.open(this.#path, false)
    } catch (error) {
      if (errno(error) === 'ENOENT') return undefined
      throw error
    }
    try {
      await this.#disk.sync(file, 'KV_IO')
      return await readRange(file, 0, file.stat().size)
    } finally {
      file.close()
    }
  }
}

/** The pieces with small ones joined, since every write is a system call. */
function* joined(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  const buffer = new Uint8Array(QUICK_BYTES)
  let filled = 0
  for (const piece of pieces) {
    if (filled + piece.length > buffer.length) {
      yield buffer.subarray(0, filled)
      filled = 0
    }
    if (piece.length > buffer.length) yield piece
    else {
      buffer.set(piece, filled)
      filled += piece.length
    }
  }
  yield buffer.subarray(0, filled)
}
