import { type KvBatch, type KvCapabilities, KvError, type KvRo, type KvSnapshot } from '@fata/kv'
import type { AbstractLevel } from 'abstract-level'
import { Engine, type Level } from './engine.ts'
import { toOpenError, toReadError } from './errors.ts'
import { LevelStore } from './level.ts'
import { type LevelOptions, type ResolvedOptions, resolveOptions } from './options.ts'
import { Reader } from './reader.ts'
import { decodeValue, encodeHead, HEAD_KEY } from './wire.ts'

/** Engines with a store on them: a second one would not see what the first is about to write. */
const inUse = new WeakSet<object>()

/**
 * Opens a database as a store, the only one to use it, and closes it with the store. It must be empty, or a store of earlier.
 * `snapshot` is there where the engine has explicit snapshots. Rejects with KvError KV_LOCKED, KV_IO, KV_NO_SPACE, KV_CORRUPT
 * (it holds what no store wrote), TypeError, RangeError.
 */
export async function openLevel<F, K, V>(
  db: AbstractLevel<F, K, V>,
  options: LevelOptions = {},
): Promise<KvBatch & Partial<KvSnapshot>> {
  const resolved = resolveOptions(options)
  const level = db as unknown as Level
  const { buffer, view } = level.supports.encodings
  if (!buffer && !view) throw new TypeError('the engine must order keys by their bytes: open it with buffers or views')
  if (inUse.has(level)) throw new KvError('KV_LOCKED', { message: 'another store has the database open' })
  inUse.add(level)
  const close = async (): Promise<void> => {
    await level.close().catch(() => undefined)
    inUse.delete(level)
  }
  try {
    await level.open().catch((error: unknown) => {
      throw toOpenError(error)
    })
    const engine = new Engine(level)
    return storeOn(engine, await latestOf(engine), resolved, close)
  } catch (error) {
    await close()
    throw error
  }
}

function storeOn(
  engine: Engine,
  latest: number,
  options: ResolvedOptions,
  close: () => Promise<void>,
): KvBatch & Partial<KvSnapshot> {
  const { explicitSnapshots, permanence } = engine.level.supports
  const durability = options.durability ?? (permanence ? 'process-crash' : 'none')
  const Store = explicitSnapshots ? SnapshotStore : LevelStore
  return new Store(engine, latest, durability satisfies KvCapabilities['durability'], options, close)
}

class SnapshotStore extends LevelStore implements KvSnapshot {
  async snapshot(): Promise<KvRo> {
    this.refuse(undefined)
    try {
      return new Reader(this.capabilities, this.engine, this.engine.level.snapshot())
    } catch (error) {
      throw toReadError(error)
    }
  }
}

/**
 * The latest time of a value, by the head of the database. Marks an empty one as a store's, and refuses one that is somebody
 * else's, lest it be taken for values.
 */
async function latestOf(engine: Engine): Promise<number> {
  const [head] = await engine.getMany([HEAD_KEY])
  const found = head && decodeValue(head)
  if (found) return found.lastModified
  if (head) throw new KvError('KV_CORRUPT', { message: 'the database has a format that this version does not know' })
  const [other] = await engine.keys({ gte: '' }, 1, {})
  if (other !== undefined) throw new KvError('KV_CORRUPT', { message: 'the database holds what no store wrote' })
  await engine.write([{ type: 'put', key: HEAD_KEY, value: encodeHead(0) }])
  return 0
}
