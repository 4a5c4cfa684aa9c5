import { realpathSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { type Release, systemLock } from '@fata/kv/lock'
import { toKvError } from '../errors.ts'
import { openTar, type TarStore } from '../open.ts'
import { openTarReadOnly, type TarRo } from '../open-read-only.ts'
import type { TarOptions, TarReadOptions } from '../options.ts'
import { type FileId, fileSource, openNodeFile, syncDirectory } from './node-file.ts'

export interface TarFileOptions extends TarOptions {
  /** Makes an empty archive where no file is. Default false. */
  readonly create?: boolean | undefined
}

/** Opens an archive in a file to read it; see `openTarReadOnly`. Takes no lock: what a writer appends meanwhile is not seen. */
export async function openTarFileReadOnly(path: string, options: TarReadOptions = {}): Promise<TarRo> {
  return openTarReadOnly(fileSource(path), options)
}

/** Opens an archive in a file as a store, the only one to append to it; see `openTar`. Rejects also with KvError KV_LOCKED. */
export async function openTarFile(path: string, options: TarFileOptions = {}): Promise<TarStore> {
  const { create = false } = options
  if (typeof create !== 'boolean') throw new TypeError('create must be a boolean')
  const { file, id } = openNodeFile(path, create ? 'create' : 'write')
  let release: Release | undefined
  try {
    const place = realpathSync(path)
    release = await lockFile(place, id)
    await syncDirectory(dirname(place))
  } catch (error) {
    await file.close()
    await release?.()
    throw toKvError(error)
  }
  const close = async (): Promise<void> => {
    await file.close()
    await release?.().catch(() => undefined)
  }
  return openTar({ ...file, close }, options)
}

export function lockFile(path: string, { device, inode }: FileId): Promise<Release> {
  return systemLock({
    name: `kv-tar:${device}:${inode}`,
    directory: dirname(path),
    prefix: `.${basename(path)}.lock`,
  })
}
