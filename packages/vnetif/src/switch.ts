import { type Mac, randomMac, readMac } from '@fata/addr'
import { u16, u32 } from '@fata/bytes'
import { completeChecksum, type FrameMeta } from '@fata/net'
import type { Runtime } from '@fata/runtime'
import { FrameMemory, type Slab } from './core/frame-memory.ts'
import { MacTable } from './core/mac-table.ts'
import type { Impairments } from './impairments.ts'
import { checkSwitchOptions, type PortOptions, type SwitchOptions } from './options.ts'
import { COMPLETED, type Forward, Port } from './port.ts'
import type { VnetPort } from './vnet-port.ts'

/** What a switch has done since it was made. */
export interface SwitchStats {
  /** Frames that went to every other port: to a group, or to an address that is not in the table. */
  readonly flooded: number
  /** Frames that went nowhere, since their destination was last seen at the port that they came from. */
  readonly filtered: number
  /** Addresses that came into the table, changed their port, or had to make room before their time. */
  readonly learned: number
  readonly moved: number
  readonly evicted: number
}

/** A learning Ethernet switch. */
export interface Switch {
  /** The ports that are open, in order of opening. */
  readonly ports: readonly VnetPort[]
  readonly stats: SwitchStats
  /** Adds a device. Closing it takes it off the switch. Throws a RangeError or a TypeError on nonsense. */
  port(options?: PortOptions): VnetPort
  /** Where an address was last seen; undefined where frames to it are flooded. */
  lookup(mac: Mac): VnetPort | undefined
  /** Changes the impairments of what every present port receives, so that a frame from port to port meets them once. */
  impair(changes: Impairments): void
  /** Closes every port. Idempotent. */
  close(): Promise<void>
}

const GROUP = 0x100

/** Makes a switch without ports. */
export function createSwitch(runtime: Pick<Runtime, 'clock' | 'random'>, options: SwitchOptions = {}): Switch {
  const { macTableSize, macAgeMs } = checkSwitchOptions(options)
  const { clock, random } = runtime
  const table = new MacTable<Port>(macTableSize, macAgeMs)
  const memory = new FrameMemory(2)
  const ports: Port[] = []
  const now = createCoarseTime(runtime)
  let flooded = 0
  let filtered = 0

  const flood = (from: Port, slab: Slab, off: number, end: number, meta: FrameMeta, junk: number): void => {
    flooded++
    let shared = meta
    if (meta.checksum === 'partial' && meta.gso === 'none' && !ports.every((p) => p === from || p.takesPartial)) {
      // One copy serves all ports: where one of them needs the checksum complete, it is complete for the others, too.
      completeChecksum(slab.bytes, off, end, meta)
      shared = COMPLETED
    }
    for (const port of ports) if (port !== from) port.arrive(slab, off, end, shared, junk)
  }

  const forwardFrom = (from: Port): Forward => {
    const source = createMemo()
    const target = createMemo()
    let to: Port | undefined
    return (slab, off, end, meta, junk) => {
      const b = slab.bytes
      const at = now()
      if (!source.holds(b, off + 6, table.generation, at)) {
        if ((u16(b, off + 6) & GROUP) === 0 && !from.isClosed) table.learn(readMac(b, off + 6), from, at)
        source.set(b, off + 6, table.generation, at)
      }
      if ((u16(b, off) & GROUP) !== 0) return flood(from, slab, off, end, meta, junk)
      if (!target.holds(b, off, table.generation, at)) {
        to = table.lookup(readMac(b, off), at)
        target.set(b, off, table.generation, at)
      }
      if (to === undefined) flood(from, slab, off, end, meta, junk)
      else if (to === from) filtered++
      else to.arrive(slab, off, end, meta, junk)
    }
  }

  return {
    ports,
    stats: {
      get flooded() {
        return flooded
      },
      get filtered() {
        return filtered
      },
      get learned() {
        return table.learned
      },
      get moved() {
        return table.moved
      },
      get evicted() {
        return table.evicted
      },
    },
    port(portOptions = {}) {
      const mac = portOptions.mac ?? randomMac(random.uint32(), random.uint32())
      const onClose = (port: Port): void => {
        ports.splice(ports.indexOf(port), 1)
        table.forget(port)
      }
      const port = new Port({ clock, random, memory, medium: 'ethernet', mac, onClose }, portOptions)
      port.forward = forwardFrom(port)
      ports.push(port)
      return port
    },
    lookup: (mac) => table.lookup(mac, now()),
    impair(changes) {
      for (const port of ports) port.impair(changes, 'rx')
    },
    async close() {
      for (const port of [...ports]) await port.close()
    },
  }
}

/** Remembers for which address, in which state of the table, something was done: the next frame normally has the same. */
interface Memo {
  holds(b: Uint8Array, o: number, generation: number, at: number): boolean
  set(b: Uint8Array, o: number, generation: number, at: number): void
}

function createMemo(): Memo {
  // The address in two small integers: as one number of 48 bits it would be allocated for every frame.
  let high = -1
  let low = 0
  let generation = -1
  let at = Number.NaN
  return {
    holds: (b, o, g, now) => generation === g && at === now && low === (u32(b, o + 2) | 0) && high === u16(b, o),
    set(b, o, g, now) {
      high = u16(b, o)
      low = u32(b, o + 2) | 0
      generation = g
      at = now
    },
  }
}

/** The time of the running task: good enough to age addresses, and read once per batch instead of once per frame. */
function createCoarseTime({ clock }: Pick<Runtime, 'clock'>): () => number {
  let time = 0
  let isFresh = false
  const expire = (): void => {
    isFresh = false
  }
  return () => {
    if (isFresh) return time
    isFresh = true
    time = clock.now()
    clock.defer(expire)
    return time
  }
}
