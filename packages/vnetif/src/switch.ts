import { type Mac, randomMac } from '@fata/addr'
import type { Runtime } from '@fata/runtime'
import { Bridge } from './bridge.ts'
import { FrameMemory } from './core/frame-memory.ts'
import type { Impairments } from './impairments.ts'
import { checkSwitchOptions, type PortOptions, type SwitchOptions } from './options.ts'
import { Port } from './port.ts'
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

/** Makes a switch without ports. */
export function createSwitch(runtime: Pick<Runtime, 'clock' | 'random'>, options: SwitchOptions = {}): Switch {
  const { macTableSize, macAgeMs } = checkSwitchOptions(options)
  const { clock, random } = runtime
  const memory = new FrameMemory(2)
  const bridge = new Bridge(clock, macTableSize, macAgeMs)
  const onClose = (port: Port): void => bridge.remove(port)
  return {
    ports: bridge.ports,
    stats: statsOf(bridge),
    port(portOptions = {}) {
      const mac = portOptions.mac ?? randomMac(random.uint32(), random.uint32())
      const port = new Port({ clock, random, memory, medium: 'ethernet', mac, onClose }, portOptions)
      bridge.add(port)
      return port
    },
    lookup: (mac) => bridge.table.lookup(mac, bridge.now()),
    impair(changes) {
      for (const port of bridge.ports) port.impair(changes, 'rx')
    },
    async close() {
      for (const port of [...bridge.ports]) await port.close()
    },
  }
}

function statsOf(bridge: Bridge): SwitchStats {
  const { table } = bridge
  return {
    get flooded() {
      return bridge.flooded
    },
    get filtered() {
      return bridge.filtered
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
  }
}
