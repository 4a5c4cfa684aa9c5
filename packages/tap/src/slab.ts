import { markAsUntransferable } from 'node:worker_threads'

/** Memory that is lent out. It cannot be transferred to another thread: a detached slab would leave nothing to read frames into. */
export function createSlab(size: number): Uint8Array {
  const slab = new Uint8Array(size)
  markAsUntransferable(slab.buffer)
  return slab
}
