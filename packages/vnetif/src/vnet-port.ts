import type { Net } from '@fata/net'
import type { LinkStats } from './core/link-model.ts'
import type { Impairments } from './impairments.ts'

/** A direction of a port's link, as its device sees it: `tx` carries what the device writes, `rx` what it receives. */
export type Direction = 'tx' | 'rx'

/** A device on a switch or at one end of a pair. Its drops on a link are counted in `stats`, with the reasons of `Impairments`. */
export interface VnetPort extends Net {
  /** May be set at any time, 68..65535. */
  mtu: number
  /** What the link has done to frames besides dropping them. */
  readonly link: Readonly<Record<Direction, Readonly<LinkStats>>>
  /**
   * Changes the impairments that are named, and leaves the others as they are: of one direction, or of both. `NO_IMPAIRMENTS` heals.
   * Throws a RangeError or a TypeError on nonsense, and changes nothing then.
   */
  impair(changes: Impairments, direction?: Direction | 'both'): void
}
