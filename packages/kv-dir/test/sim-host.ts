import { KvError } from '@fata/kv'
import type { DirHost } from '../src/open.ts'
import { createSimFs, type SimDisk, type SimOptions } from './sim-fs.ts'

/** A machine with the disk, on which one process at a time may write to it. */
export function createSimHost(disk: SimDisk, options?: SimOptions): DirHost {
  let locked = false
  const lock = async () => {
    if (locked) throw new KvError('KV_LOCKED')
    locked = true
    return async () => {
      locked = false
    }
  }
  return { fs: createSimFs(disk, options), lock, pid: 1, windows: false }
}
