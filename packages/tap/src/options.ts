import { isMulticastMac, type Mac, type Prefix, prefix } from '@fata/addr'

/** `'down'`: the interface exists and is switched off. `'gone'`: it was removed; the device carries nothing any more. */
export type InterfaceState = 'up' | 'down' | 'gone'

/** Every field is optional. */
export interface TunOptions {
  /** Interface to attach to, made if it is absent; `%d` in it is replaced by a free number. Default: `tap%d` or `tun%d`. */
  readonly name?: string
  /** A descriptor that is attached to an interface already: inherited, or an open `/dev/tapN` of a macvtap. The device closes it. */
  readonly fd?: number
  /** Network namespace of the interface: a name of `ip netns`, or a path. Default: that of the process. */
  readonly netns?: string
  /** Largest IP packet in bytes, 68..65521. Default: what the interface has. */
  readonly mtu?: number
  /** Switches the interface on where it is off. Default true. */
  readonly up?: boolean
  /**
   * Addresses of the host's side, such as `10.0.0.1/24`. One whose network the interface has an address of is left out: what an
   * administrator configured stands. Default none.
   */
  readonly hostAddresses?: readonly (Prefix | string)[]
  /** Uses checksum and segmentation offload where the kernel has it. Default true. */
  readonly offload?: boolean
  /** Bytes of frames that wait while the kernel takes no more; more are dropped as `queue-full`. Default 1 MiB. */
  readonly queueBytes?: number
  /** Bytes of sent frames that the kernel lets stand in the queues of other interfaces (TUNSETSNDBUF). Default: no limit. */
  readonly sendBufferBytes?: number
  /** How long `close` waits for frames that the kernel does not take. Default 1000. */
  readonly lingerMs?: number
  /** The device file. Default `/dev/net/tun`. */
  readonly devicePath?: string
  /** Called when the state of the interface changes, never inside a `write`. */
  readonly onState?: (state: InterfaceState) => void
}

/** As for a TUN, and the address that a TAP has. */
export interface TapOptions extends TunOptions {
  /** Own address: not that of the host's side of the interface. Default: a random locally administered one. */
  readonly mac?: Mac
}

type Defaults = Readonly<Required<Pick<TunOptions, 'up' | 'offload' | 'queueBytes' | 'lingerMs' | 'devicePath'>>>

export const defaults: Defaults = Object.freeze({
  up: true,
  offload: true,
  queueBytes: 0x10_0000,
  lingerMs: 1000,
  devicePath: '/dev/net/tun',
})

/** Largest MTU that Linux gives a TAP: 65535 with the Ethernet header. */
const LARGEST_MTU = 65521

type Check = { readonly key: keyof TapOptions; readonly least: number; readonly most: number }

const INTEGERS: readonly Check[] = [
  { key: 'fd', least: 0, most: 0x7fff_ffff },
  { key: 'mtu', least: 68, most: LARGEST_MTU },
  { key: 'queueBytes', least: 0, most: 0x4000_0000 },
  { key: 'sendBufferBytes', least: 1, most: 0x7fff_ffff },
  { key: 'mac', least: 1, most: 0xffff_ffff_ffff },
]

/** What `openTap` and `openTun` work with. */
export interface CheckedOptions extends Omit<TapOptions, 'hostAddresses'> {
  readonly up: boolean
  readonly offload: boolean
  readonly queueBytes: number
  readonly lingerMs: number
  readonly devicePath: string
  readonly hostAddresses: readonly Prefix[]
}

/** Fills in the defaults. Throws a TypeError or a RangeError on nonsense. */
export function checkOptions(options: TapOptions): CheckedOptions {
  for (const { key, least, most } of INTEGERS) {
    const value = options[key] as number | undefined
    if (value !== undefined && !(Number.isInteger(value) && value >= least && value <= most))
      throw new RangeError(`${key} must be an integer in ${least}..${most}, got ${value}`)
  }
  if (options.lingerMs !== undefined && !(options.lingerMs >= 0))
    throw new RangeError(`lingerMs must not be negative, got ${options.lingerMs}`)
  if (options.fd !== undefined && options.name !== undefined)
    throw new TypeError('a descriptor has its interface already: fd and name exclude each other')
  if (options.mac !== undefined && isMulticastMac(options.mac))
    throw new RangeError('mac must be the address of one station, not of a group')
  const hostAddresses = (options.hostAddresses ?? []).map((a) => (typeof a === 'string' ? prefix(a) : a))
  return { ...defaults, ...options, hostAddresses }
}
