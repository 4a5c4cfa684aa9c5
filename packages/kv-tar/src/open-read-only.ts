import { createGate, indexed, type KvCapabilities, type KvRo } from '@fata/kv'
import { readArchive, readValue, type Skipped } from './archive.ts'
import { type ResolvedOptions, resolveOptions, type TarReadOptions } from './options.ts'
import type { TarSource } from './source.ts'

/** A store in an archive, to read. */
export interface TarRo extends KvRo {
  /** How many entries of the archive were no values when it was opened, by reason. */
  readonly skipped: Skipped
}

/**
 * Opens an archive to read it: reads the headers and never the values, until they are asked for. Of entries with one name the
 * last one counts. The source is the store's from the call on, and closed with it, or when this rejects: with KvError
 * KV_CORRUPT (a TarCorruptError, with the offset), KV_IO, KV_TOO_LARGE, with TypeError, RangeError, the reason of an abort.
 */
export async function openTarReadOnly(source: TarSource, options: TarReadOptions = {}): Promise<TarRo> {
  const gate = createGate(async () => source.close?.())
  try {
    const resolved = resolveOptions(options)
    const { tree, skipped } = await readArchive(source, resolved)
    const read = readValue.bind(undefined, source)
    return Object.assign(indexed(tree, { capabilities: capabilitiesOf(resolved), read, gate }), { skipped })
  } catch (error) {
    await gate.close()
    throw error
  }
}

function capabilitiesOf({ maxValueBytes }: ResolvedOptions): KvCapabilities {
  return Object.freeze({
    durability: 'none',
    digest: 'sha256',
    maxValueBytes,
    maxBatchOps: 0,
    maxBatchBytes: 0,
    lastModifiedResolutionMs: 1,
    appendOnly: false,
    keyNames: 'exact',
  })
}
