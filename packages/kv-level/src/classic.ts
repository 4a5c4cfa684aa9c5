import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { type KvBatch, KvError, type KvSnapshot } from '@fata/kv'
import { ClassicLevel } from 'classic-level'
import { openLevel } from './open.ts'
import type { LevelOptions } from './options.ts'

export interface ClassicLevelOptions extends Omit<LevelOptions, 'durability'> {
  /** Makes the database, and the directories above it, when it is missing. Default true. */
  readonly create?: boolean | undefined
}

/**
 * Opens the LevelDB in a directory as a store, whose writes survive a power loss. One process at a time: KV_LOCKED for another.
 * While the disk is full LevelDB cannot open at all: KV_NO_SPACE. Rejects as `openLevel`.
 */
export async function openClassicLevel(path: string, options: ClassicLevelOptions = {}): Promise<KvBatch & KvSnapshot> {
  const { create = true, ...rest } = options
  if (typeof path !== 'string') throw new TypeError('path must be a string')
  if (typeof create !== 'boolean') throw new TypeError('create must be a boolean')
  if (path === '') throw new KvError('KV_IO', { cause: new Error('the path is empty') })
  // LevelDB would leave a directory behind.
  if (!create) await exists(path)
  const db = new ClassicLevel<string, Uint8Array>(path, { createIfMissing: create })
  // It has begun to open by itself, and says through openLevel how that went.
  return (await openLevel(db, { ...rest, durability: 'power-loss' })) as KvBatch & KvSnapshot
}

async function exists(path: string): Promise<void> {
  try {
    await access(join(path, 'CURRENT'))
  } catch (cause) {
    throw new KvError('KV_IO', { message: 'there is no database', cause })
  }
}
