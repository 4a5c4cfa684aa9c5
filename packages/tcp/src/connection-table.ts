import { type IpAddress, ipEquals } from '@fata/addr'
import { assert } from '@fata/bytes'
import type { Random } from '@fata/runtime'
import type { Connection } from './core/connection.ts'
import { hasTuple, idOf } from './core/parking.ts'
import type { Parking } from './owner.ts'
import { putTuple, TUPLE_WORDS, tupleHash } from './tuple.ts'

const INITIAL_ENTRIES = 64

/**
 * Finds the connection of a segment: open addressing with linear probing over integers, at most half full, with a keyed hash. An
 * entry is the hash and the number of the connection plus one, or, negative, of the place where it is parked; 0 is free.
 */
export class ConnectionTable {
  /** By number; undefined where a number is free. */
  readonly bySlot: (Connection | undefined)[] = []
  /** Of all connections, the parked ones included. */
  size = 0
  readonly #parked: (Parking | undefined)[] = []
  readonly #freePlaces: number[] = []
  readonly #unpack: (parking: Parking) => Connection
  #entries = new Int32Array(2 * INITIAL_ENTRIES)
  #mask = INITIAL_ENTRIES - 1
  readonly #freeSlots: number[] = []
  /** The tuple that was hashed last. */
  readonly #words = new Int32Array(TUPLE_WORDS)
  #count = 0
  readonly #key0: number
  readonly #key1: number
  /** Segments come in bursts. */
  #last: Connection | undefined

  constructor(random: Random, unpack: (parking: Parking) => Connection) {
    this.#unpack = unpack
    this.#key0 = random.uint32() | 0
    this.#key1 = random.uint32() | 0
  }

  /** The connection of a tuple; a parked one is taken out of its place. */
  find(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): Connection | undefined {
    const last = this.#last
    if (last !== undefined && is(last, local, localPort, remote, remotePort)) return last
    const hash = this.#hash(local, localPort, remote, remotePort)
    const entries = this.#entries
    for (let i = hash & this.#mask; entries[2 * i + 1] !== 0; i = (i + 1) & this.#mask) {
      if (entries[2 * i] !== hash) continue
      const value = entries[2 * i + 1]!
      const c = value > 0 ? this.bySlot[value - 1]! : this.#unpark(i)
      if (c === undefined || !is(c, local, localPort, remote, remotePort)) continue
      this.#last = c
      return c
    }
    return undefined
  }

  /** Adds `c` and gives it a number. */
  add(c: Connection): void {
    if (2 * (this.size + 1) > this.#mask + 1) this.#grow()
    this.#take(c)
    this.#put(this.#entries, this.#hash(c.local, c.localPort, c.remote, c.remotePort), c.slot + 1)
    this.size++
  }

  remove(c: Connection): void {
    this.#close(this.#entryOf(c))
    this.#leave(c)
    this.size--
  }

  /** `parking`, which holds `c` packed, takes its place. */
  park(c: Connection, parking: Parking): void {
    const place = this.#freePlaces.pop() ?? this.#parked.length
    this.#parked[place] = parking
    this.#entries[2 * this.#entryOf(c) + 1] = -1 - place
    this.#leave(c)
  }

  /** The connection that is parked there. */
  wake(parking: Parking): Connection {
    const { local, localPort, remote, remotePort } = idOf(parking.packed!)
    const c = this.find(local, localPort, remote, remotePort)
    assert(c !== undefined, 'who is parked is in the table')
    return c
  }

  /** Of those that are parked. */
  *parked(): Generator<Parking> {
    for (const parking of this.#parked) if (parking !== undefined) yield parking
  }

  /** Unpacks what entry `i` stands for, if it is that of the tuple that was hashed last. */
  #unpark(i: number): Connection | undefined {
    const place = -1 - this.#entries[2 * i + 1]!
    const parking = this.#parked[place]!
    if (!hasTuple(parking.packed!, this.#words, this.#count)) return undefined
    const c = this.#unpack(parking)
    this.#parked[place] = undefined
    this.#freePlaces.push(place)
    this.#take(c)
    this.#entries[2 * i + 1] = c.slot + 1
    return c
  }

  /** Gives `c` a number. */
  #take(c: Connection): void {
    c.slot = this.#freeSlots.pop() ?? this.bySlot.length
    this.bySlot[c.slot] = c
  }

  #leave(c: Connection): void {
    this.bySlot[c.slot] = undefined
    this.#freeSlots.push(c.slot)
    c.slot = -1
    if (this.#last === c) this.#last = undefined
  }

  #entryOf(c: Connection): number {
    let i = this.#hash(c.local, c.localPort, c.remote, c.remotePort) & this.#mask
    while (this.#entries[2 * i + 1] !== c.slot + 1) {
      assert(this.#entries[2 * i + 1] !== 0, 'who has a number is in the table')
      i = (i + 1) & this.#mask
    }
    return i
  }

  #hash(local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): number {
    this.#count = putTuple(this.#words, local, localPort, remote, remotePort)
    return tupleHash(this.#words, this.#count, this.#key0, this.#key1)
  }

  #put(entries: Int32Array, hash: number, value: number): void {
    let i = hash & this.#mask
    while (entries[2 * i + 1] !== 0) i = (i + 1) & this.#mask
    entries[2 * i] = hash
    entries[2 * i + 1] = value
  }

  /** Frees entry `hole` and moves up those behind it that would not be found across the gap. */
  #close(hole: number): void {
    const entries = this.#entries
    for (let i = (hole + 1) & this.#mask; entries[2 * i + 1] !== 0; i = (i + 1) & this.#mask) {
      const home = entries[2 * i]! & this.#mask
      if (((i - home) & this.#mask) < ((i - hole) & this.#mask)) continue
      entries[2 * hole] = entries[2 * i]!
      entries[2 * hole + 1] = entries[2 * i + 1]!
      hole = i
    }
    entries[2 * hole + 1] = 0
  }

  #grow(): void {
    const old = this.#entries
    const entries = new Int32Array(2 * old.length)
    this.#mask = 2 * this.#mask + 1
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== 0) this.#put(entries, old[i]!, old[i + 1]!)
    this.#entries = entries
  }
}

function is(c: Connection, local: IpAddress, localPort: number, remote: IpAddress, remotePort: number): boolean {
  return (
    c.remotePort === remotePort && c.localPort === localPort && ipEquals(c.remote, remote) && ipEquals(c.local, local)
  )
}
