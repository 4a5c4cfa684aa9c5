/** How one UDP behaves. */
export interface UdpOptions {
  /**
   * Ports that are given to sockets that ask for none, 1024..65535. Default 32768..65535: RFC 6056 §3.2 would have all from 1024 on, at the price that
   * a server's port may be taken before the server comes.
   */
  readonly firstEphemeralPort?: number
  readonly lastEphemeralPort?: number
  /** Sockets at a time, 1..1048576. Default 65536. */
  readonly maxSockets?: number
  /** Datagrams that wait in a socket for `receive`, 1..1048576. Default 1024. */
  readonly queueDatagrams?: number
  /** Their bytes, 1..2^31-1. Default 1048576. */
  readonly queueBytes?: number
}

/** Every option with its value. */
export type UdpSettings = Required<UdpOptions>

export const defaults: UdpSettings = Object.freeze({
  firstEphemeralPort: 32768,
  lastEphemeralPort: 65535,
  maxSockets: 65536,
  queueDatagrams: 1024,
  queueBytes: 1_048_576,
})

const LIMITS: Readonly<Record<keyof UdpSettings, readonly [number, number]>> = {
  firstEphemeralPort: [1024, 65535],
  lastEphemeralPort: [1024, 65535],
  maxSockets: [1, 1_048_576],
  queueDatagrams: [1, 1_048_576],
  queueBytes: [1, 0x7fffffff],
}

/** Fills in the defaults. Throws a RangeError that names what is out of range. */
export function settings(options: UdpOptions): UdpSettings {
  const s = { ...defaults, ...options }
  for (const name of Object.keys(LIMITS)) requireInRange(name as keyof UdpSettings, s[name as keyof UdpSettings])
  if (s.firstEphemeralPort > s.lastEphemeralPort)
    throw new RangeError(`firstEphemeralPort ${s.firstEphemeralPort} exceeds lastEphemeralPort ${s.lastEphemeralPort}`)
  return s
}

/** Throws a RangeError where `value` is none for the option `name`. */
export function requireInRange(name: keyof UdpSettings, value: number): void {
  const [least, most] = LIMITS[name]
  requireInteger(name, value, least, most)
}

/** Throws a RangeError unless `value` is an integer in `least..most`. */
export function requireInteger(name: string, value: unknown, least: number, most: number): void {
  if (!(Number.isInteger(value) && (value as number) >= least && (value as number) <= most))
    throw new RangeError(`${name} must be an integer in ${least}..${most}, got ${String(value)}`)
}
