import type { Mac } from '@fata/addr'
import { NO_OFFLOAD, type Offload } from '@fata/net'
import type { Impairments } from './impairments.ts'

export interface PortOptions {
  /** Address of the device. Default: a random one, locally administered. Only where the medium is Ethernet. */
  readonly mac?: Mac
  /** Largest IP packet in bytes, 68..65535: longer ones are refused, and dropped where they arrive. Default 1500. */
  readonly mtu?: number
  /**
   * What the device claims: `true` for all. Frames pass from one such device to another with their checksum partial and as super-frames;
   * for others, and where a link is impaired, the switch completes and segments them. Default false: every frame is as on a wire.
   */
  readonly offload?: boolean | Offload
  /** Frames that may wait for the listener's turn; the next one is dropped (`queue-full`). Default 4096. */
  readonly queueFrames?: number
  /** Bytes of frames that may wait for the listener's turn. Default 16 MiB. */
  readonly queueBytes?: number
  /** What the link does to frames that the device writes. Default: nothing. */
  readonly tx?: Impairments
  /** What the link does to frames on their way to the device. Default: nothing. */
  readonly rx?: Impairments
}

export interface SwitchOptions {
  /** Addresses that are remembered; the one silent longest makes room. Default 1024. */
  readonly macTableSize?: number
  /** An address is forgotten when it has been silent for so long. Default 300 000 (IEEE 802.1D §7.9.2). */
  readonly macAgeMs?: number
}

export interface PairOptions extends Omit<PortOptions, 'mac'> {
  /** What a frame is. Default `'ip'`. */
  readonly medium?: 'ethernet' | 'ip'
  /** What is different at one end. */
  readonly a?: PortOptions
  readonly b?: PortOptions
}

export const portDefaults: Required<Omit<PortOptions, 'mac'>> = Object.freeze({
  mtu: 1500,
  offload: false,
  queueFrames: 4096,
  queueBytes: 16 * 1024 * 1024,
  tx: Object.freeze({}),
  rx: Object.freeze({}),
})

export const switchDefaults: Required<SwitchOptions> = Object.freeze({ macTableSize: 1024, macAgeMs: 300_000 })

const ALL_OFFLOADS: Offload = Object.freeze({ checksum: true, tso4: true, tso6: true })

/** The claim that an option stands for. Throws a TypeError where segmentation is claimed without checksums. */
export function offloadOf(option: boolean | Offload): Offload {
  if (option === false) return NO_OFFLOAD
  if (option === true) return ALL_OFFLOADS
  const { checksum, tso4, tso6 } = option
  if ((tso4 || tso6) && !checksum) throw new TypeError('segmentation offload needs checksum offload')
  return Object.freeze({ checksum, tso4, tso6 })
}

/** Throws a RangeError unless `value` is an integer in `least..most`. */
export function checkInteger(name: string, value: number, least: number, most: number): void {
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new RangeError(`${name} must be an integer in ${least}..${most}, got ${value}`)
}

/** `options` with defaults. Throws a RangeError on values without sense. */
export function checkSwitchOptions(options: SwitchOptions): Required<SwitchOptions> {
  const checked = { ...switchDefaults, ...options }
  checkInteger('macTableSize', checked.macTableSize, 1, 1 << 20)
  if (!(checked.macAgeMs > 0)) throw new RangeError(`macAgeMs must be positive, got ${checked.macAgeMs}`)
  return checked
}
