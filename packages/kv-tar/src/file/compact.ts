import { existsSync, realpathSync, renameSync, unlinkSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { KvOptions, KvRo } from '@fata/kv'
import type { Release } from '@fata/kv/lock'
import { toKvError } from '../errors.ts'
import type { TarFile } from '../tar-file.ts'
import { writeTar } from '../write-tar.ts'
import { openNodeFile, syncDirectory } from './node-file.ts'
import { lockFile } from './open.ts'

let serial = 0

/**
 * Writes what a store holds, and nothing else, as an archive at `path`: in a file beside it that takes its place when it is
 * whole and durable. What is at `path` may be the archive that `kv` reads; one that a writer has open rejects with KV_LOCKED.
 * Rejects with KvError also as the store does, and with KV_NO_SPACE, KV_IO; then what was at `path` is there still.
 */
export async function compactTarFile(kv: KvRo, path: string, options: KvOptions = {}): Promise<void> {
  const target = existsSync(path) ? realpathSync(path) : resolve(path)
  const release = await lockTarget(target)
  try {
    await replace(kv, target, options)
  } catch (error) {
    throw toKvError(error, undefined, options.signal)
  } finally {
    await release?.()
  }
}

async function lockTarget(target: string): Promise<Release | undefined> {
  if (!existsSync(target)) return undefined
  const { file, id } = openNodeFile(target, 'write')
  await file.close()
  return lockFile(target, id)
}

async function replace(kv: KvRo, target: string, options: KvOptions): Promise<void> {
  const directory = dirname(target)
  const temporary = join(directory, `.${basename(target)}.compact-${process.pid}-${serial++}`)
  try {
    const { file } = openNodeFile(temporary, 'create')
    try {
      file.truncate(0)
      await writeAll(file, writeTar(kv, options))
      await file.sync()
    } finally {
      await file.close()
    }
    renameSync(temporary, target)
  } catch (error) {
    if (existsSync(temporary)) unlinkSync(temporary)
    throw error
  }
  await syncDirectory(directory)
}

async function writeAll(file: TarFile, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  let position = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const n = await file.write(chunk.subarray(at), position + at)
      if (n === 0) throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' })
      at += n
    }
    position += chunk.length
  }
}
