import { type Random, randomBelow } from '@fata/runtime'
import type { TarFile } from '../src/index.ts'
import { BLOCK } from '../src/wire.ts'

/** What has been done to the file and may or may not outlive a power loss. */
type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number }

export interface SimCall {
  readonly name: 'write' | 'truncate' | 'sync'
  /** Of a sync: whether nothing becomes durable by it. */
  readonly isIdle?: boolean
}

/** The code by which a sync does nothing and says that it did. */
export const LIE = 'LIE'

/** A disk with one file, what is durable of it and what the kernel still holds back. */
export class SimDisk {
  #durable: Uint8Array
  #changes: Change[] = []
  #data: Uint8Array
  /** Bytes that the file may have; more is ENOSPC, after what fits is written. */
  capacity = Number.POSITIVE_INFINITY

  constructor(durable: Uint8Array = new Uint8Array(0)) {
    this.#durable = durable
    this.#data = durable
  }

  get data(): Uint8Array {
    return this.#data
  }

  /** The process dies, the kernel lives on. */
  kill(): SimDisk {
    const disk = new SimDisk(this.#durable)
    disk.#changes = [...this.#changes]
    disk.#data = this.#data
    return disk
  }

  /**
   * The power fails: of what is not synced, changes of the size survive up to one of them, and of what was written any sectors
   * of 512 bytes. A disk writes a sector whole or not at all; what is within the size and never written reads as zeros.
   */
  powerLoss(random: Random): SimDisk {
    const sizesUpTo = randomBelow(random, this.#changes.length + 1)
    const quarters = randomBelow(random, 5)
    let data: Uint8Array = this.#durable.slice()
    for (const [i, change] of this.#changes.entries()) {
      const isSized = i < sizesUpTo
      if (change.kind === 'truncate') {
        if (isSized) data = resized(data, change.size)
        continue
      }
      if (isSized) data = resized(data, Math.max(data.length, change.position + change.bytes.length))
      for (const [position, sector] of sectors(change.position, change.bytes)) {
        if (randomBelow(random, 4) < quarters) overwrite(data, position, sector)
      }
    }
    return new SimDisk(data)
  }

  /** The file in one process. `onCall`: before everything that changes something; the code of the error it is to fail with. */
  open(onCall: (call: SimCall) => string | undefined = () => undefined): TarFile {
    const call = (it: SimCall): boolean => {
      const code = onCall(it)
      if (code && code !== LIE) throw Object.assign(new Error(code), { code })
      return code !== LIE
    }
    return {
      size: () => this.#data.length,
      read: (offset, length) => this.#data.slice(offset, offset + length),
      write: (bytes, position) => {
        call({ name: 'write' })
        const part = bytes.slice(0, Math.max(0, this.capacity - position))
        if (part.length === 0 && bytes.length > 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
        this.#data = resized(this.#data, Math.max(this.#data.length, position + part.length)).slice()
        overwrite(this.#data, position, part)
        this.#changes.push({ kind: 'write', position, bytes: part })
        return part.length
      },
      truncate: (size) => {
        call({ name: 'truncate' })
        this.#data = resized(this.#data, size)
        this.#changes.push({ kind: 'truncate', size })
      },
      sync: async () => {
        if (!call({ name: 'sync', isIdle: this.#changes.length === 0 })) return
        this.#durable = this.#data
        this.#changes = []
      },
      close: () => {},
    }
  }
}

function* sectors(position: number, bytes: Uint8Array): Generator<readonly [number, Uint8Array]> {
  for (let at = 0; at < bytes.length; ) {
    const end = at + BLOCK - ((position + at) % BLOCK)
    yield [position + at, bytes.subarray(at, end)]
    at = end
  }
}

/** As far as `data` reaches. */
function overwrite(data: Uint8Array, position: number, bytes: Uint8Array): void {
  if (position < data.length) data.set(bytes.subarray(0, data.length - position), position)
}

function resized(data: Uint8Array, size: number): Uint8Array {
  if (data.length === size) return data
  const out = new Uint8Array(size)
  out.set(data.subarray(0, size))
  return out
}
