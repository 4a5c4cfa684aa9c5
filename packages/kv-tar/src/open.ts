import { createGate, indexed, type KvBatch, type KvCapabilities } from '@fata/kv'
import { Appender } from './appender.ts'
import { readArchive, readValue, type Skipped } from './archive.ts'
import { toKvError } from './errors.ts'
import { type ResolvedOptions, resolveOptions, type TarOptions } from './options.ts'
import type { TarFile } from './tar-file.ts'
import { Writer } from './writer.ts'

/** A store in an archive that it appends to. */
export interface TarStore extends KvBatch {
  /** How many entries of the archive were no values when it was opened, by reason. */
  readonly skipped: Skipped
}

/**
 * Opens an archive, or an empty file, to append to it. What an earlier writer was about to append when it crashed is cut off.
 * The file is the store's from the call on, and closed with it, or when this rejects: as `openTarReadOnly` does.
 */
export async function openTar(file: TarFile, options: TarOptions = {}): Promise<TarStore> {
  const gate = createGate(async () => file.close())
  try {
    const resolved = resolveOptions(options)
    // A killed writer may have left it in the kernel's memory only; what is read must last.
    await durable(() => file.sync())
    const { tree, skipped, end } = await readArchive(file, resolved)
    const appender = new Appender(file, end)
    await durable(() => appender.tidy())
    const capabilities = capabilitiesOf(resolved)
    const read = readValue.bind(undefined, file)
    const writer = new Writer({ tree, appender, gate, read, capabilities }, resolved)
    return Object.assign(indexed(tree, { capabilities, read, gate }), writer.methods(), { skipped })
  } catch (error) {
    await gate.close()
    throw error
  }
}

async function durable(work: () => Promise<void>): Promise<void> {
  await work().catch((error: unknown) => {
    throw toKvError(error)
  })
}

function capabilitiesOf({ maxValueBytes, maxBatchOps, maxBatchBytes }: ResolvedOptions): KvCapabilities {
  return Object.freeze({
    durability: 'power-loss',
    digest: 'sha256',
    maxValueBytes,
    maxBatchOps,
    maxBatchBytes,
    lastModifiedResolutionMs: 1000,
    appendOnly: true,
    keyNames: 'exact',
  })
}
