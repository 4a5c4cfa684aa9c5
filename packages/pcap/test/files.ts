import { fromHex } from '@fata/bytes'
import { createVirtualClock, type VirtualClock } from '@fata/runtime'

/** Collects what a sink is handed. */
export class Collected {
  readonly chunks: Uint8Array[] = []
  readonly sink = (bytes: Uint8Array): void => void this.chunks.push(bytes)

  get bytes(): Uint8Array {
    const all = new Uint8Array(this.chunks.reduce((sum, chunk) => sum + chunk.length, 0))
    let at = 0
    for (const chunk of this.chunks) {
      all.set(chunk, at)
      at += chunk.length
    }
    return all
  }
}

/** 2024-01-02 03:04:05.678 UTC and a virtual clock that begins there. */
export const WALL_MS = Date.UTC(2024, 0, 2, 3, 4, 5, 678)
export const clockAt = (wall = WALL_MS): VirtualClock => createVirtualClock(wall)

/** A block of little-endian words in hex, of which the type and the lengths are added. */
export function block(type: string, ...rest: string[]): string {
  const body = rest.join('').replace(/\s/g, '')
  const total = fromHex(body).length + 12
  const length = [total & 255, total >> 8, 0, 0].map((b) => b.toString(16).padStart(2, '0')).join('')
  return type + length + body + length
}
