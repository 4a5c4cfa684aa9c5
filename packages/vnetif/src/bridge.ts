import { readMac } from '@fata/addr'
import { u16, u32 } from '@fata/bytes'
import { completeChecksum, type FrameMeta } from '@fata/net'
import type { Clock } from '@fata/runtime'
import type { Slab } from './core/frame-memory.ts'
import { MacTable } from './core/mac-table.ts'
import { COMPLETED, type Forward, type Port } from './port.ts'

const GROUP = 0x100

/** The ports of a switch and the way of frames between them (IEEE 802.1D §7.7 to §7.9). */
export class Bridge {
  readonly ports: Port[] = []
  readonly table: MacTable<Port>
  flooded = 0
  filtered = 0
  readonly #clock: Clock
  #time = 0
  #isTimeFresh = false

  constructor(clock: Clock, macTableSize: number, macAgeMs: number) {
    this.#clock = clock
    this.table = new MacTable(macTableSize, macAgeMs)
  }

  add(port: Port): void {
    port.forward = this.#forwardFrom(port)
    this.ports.push(port)
  }

  remove(port: Port): void {
    this.ports.splice(this.ports.indexOf(port), 1)
    this.table.forget(port)
  }

  /** The time of the running task: good enough to age addresses, and read once per batch instead of once per frame. */
  now(): number {
    if (this.#isTimeFresh) return this.#time
    this.#isTimeFresh = true
    this.#time = this.#clock.now()
    this.#clock.defer(this.#expireTime)
    return this.#time
  }

  readonly #expireTime = (): void => {
    this.#isTimeFresh = false
  }

  #forwardFrom(from: Port): Forward {
    const { table } = this
    const source = new Memo()
    const target = new Memo()
    let to: Port | undefined
    return (slab, off, end, meta, junk) => {
      const b = slab.bytes
      const now = this.now()
      if (!source.holds(b, off + 6, table.generation, now)) {
        if ((u16(b, off + 6) & GROUP) === 0 && !from.isClosed) table.learn(readMac(b, off + 6), from, now)
        source.set(b, off + 6, table.generation, now)
      }
      const isGroup = (u16(b, off) & GROUP) !== 0
      if (!isGroup && !target.holds(b, off, table.generation, now)) {
        to = table.lookup(readMac(b, off), now)
        target.set(b, off, table.generation, now)
      }
      if (isGroup || to === undefined) this.#flood(from, slab, off, end, meta, junk)
      else if (to === from) this.filtered++
      else to.arrive(slab, off, end, meta, junk)
    }
  }

  #flood(from: Port, slab: Slab, off: number, end: number, meta: FrameMeta, junk: number): void {
    this.flooded++
    let shared = meta
    if (meta.checksum === 'partial' && meta.gso === 'none' && !this.#allTakePartial(from)) {
      // One copy serves all ports: where one of them needs the checksum complete, it is complete for the others, too.
      completeChecksum(slab.bytes, off, end, meta)
      shared = COMPLETED
    }
    for (const port of this.ports) if (port !== from) port.arrive(slab, off, end, shared, junk)
  }

  #allTakePartial(from: Port): boolean {
    return this.ports.every((port) => port === from || port.takesPartial)
  }
}

/** Remembers for which address, and in which state of the table, something was done: the next frame normally has the same. */
class Memo {
  // The address in two small integers: as one number of 48 bits it would be allocated for every frame.
  #high = -1
  #low = 0
  #generation = -1
  #at = Number.NaN

  holds(b: Uint8Array, o: number, generation: number, at: number): boolean {
    const isCurrent = this.#generation === generation && this.#at === at
    return isCurrent && this.#low === (u32(b, o + 2) | 0) && this.#high === u16(b, o)
  }

  set(b: Uint8Array, o: number, generation: number, at: number): void {
    this.#high = u16(b, o)
    this.#low = u32(b, o + 2) | 0
    this.#generation = generation
    this.#at = at
  }
}
