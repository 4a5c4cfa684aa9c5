import type { Host } from './host.ts'
import type { Network } from './mode.ts'
import type { ScriptSocket } from './script-socket.ts'

const FIRST_REMOTE_PORT = 40_000

/** What a run knows while it goes on. */
export interface World {
  readonly network: Network
  readonly host: Host
  /** The socket that packets are taken to be of; scripts speak of one at a time. */
  socketUnderTest: ScriptSocket | undefined
  readonly bindPort: number
  readonly connectPort: number
  readonly relaxed: boolean
  readonly strictSegments: boolean
  readonly scaledEchoes: boolean
  /** In timestamp units. */
  readonly stampTolerance: number
  nextRemotePort(): number
  /** A time of the clock as a time of the script, for people. */
  scriptSeconds(at: number): string
}

/** Remote ports, one for each connection of a script. */
export function remotePorts(): () => number {
  let next = FIRST_REMOTE_PORT
  return () => next++
}
