import type { Ipv6, Mac } from '@fata/addr'
import type { TableEntry } from './address-table.ts'
import type { QueuedPacket } from './queued-packet.ts'

const NEVER = Number.POSITIVE_INFINITY

/**
 * The Neighbor Cache: address resolution and Neighbor Unreachability Detection, RFC 4861 §7.2, §7.3 and appendix C. LLA is a
 * link-layer address; `same` and `other` compare it with the cached one; S and O are the Solicited and Override flags.
 *
 *   state        event                                  action                                new state
 *   -----------  -------------------------------------  ------------------------------------  ----------
 *   -            packet to send                         create, multicast NS, start timer     incomplete
 *   incomplete   retransmit timer, < N solicitations    multicast NS, restart timer           incomplete
 *   incomplete   retransmit timer, N solicitations      discard, report queued packets        -
 *   incomplete   NA without LLA                         -                                     incomplete
 *   incomplete   NA with LLA, S=0                       record LLA, send queued packets       stale
 *   incomplete   NA with LLA, S=1                       record LLA, send queued packets       reachable
 *   others       NA O=0, other LLA: reachable           -                                     stale
 *   others       NA O=0, other LLA: not reachable       -                                     unchanged
 *   others       NA S=1, O=1 or same or no LLA          record LLA, IsRouter                  reachable
 *   others       NA S=0, O=1, other LLA                 record LLA, IsRouter                  stale
 *   others       NA S=0, same or no LLA                 IsRouter                              unchanged
 *   others       upper-layer confirmation               -                                     reachable
 *   reachable    ReachableTime passed                   -                                     stale
 *   stale        packet to send                         start delay timer                     delay
 *   delay        delay timer                            unicast NS, start timer               probe
 *   probe        retransmit timer, < N solicitations    unicast NS, restart timer             probe
 *   probe        retransmit timer, N solicitations      discard                               -
 *   -            NS, RS, RA, Redirect with LLA          create                                stale
 *   incomplete   NS, RS, RA, Redirect with LLA          record LLA, send queued packets       stale
 *   others       NS, RS, RA, Redirect with other LLA    record LLA                            stale
 *   others       NS, RS, RA, Redirect with same LLA     -                                     unchanged
 *
 * Where the appendix and §7.2.5 differ, §7.2.5 is followed: an NA without LLA says nothing of an incomplete neighbor, and with S=1
 * it confirms that another one is reachable.
 *
 * Differs from the RFC in: probes beyond the RFC's number, where an option asks for them, back off exponentially (RFC 7048 §3).
 */
export type NeighborState =
  | { readonly kind: 'incomplete'; readonly sent: number; readonly at: number }
  | { readonly kind: 'reachable'; readonly until: number }
  | { readonly kind: 'stale' }
  | { readonly kind: 'delay'; readonly until: number }
  | { readonly kind: 'probe'; readonly sent: number; readonly at: number }
  /** Removed from the cache, for those who hold the entry. */
  | { readonly kind: 'gone' }

/** An entry. Others may hold it and must let go of it when its state is `gone`. */
export interface Neighbor extends TableEntry<Neighbor> {
  /** Undefined in `incomplete`. */
  mac: Mac | undefined
  state: NeighborState
  isRouter: boolean
  /** Waiting for the address, oldest first. */
  readonly queue: QueuedPacket[]
}

export interface NeighborOptions {
  readonly maxNeighbors: number
  readonly maxQueuedPackets: number
  readonly maxQueuedBytes: number
  readonly maxMulticastSolicit: number
  readonly maxUnicastSolicit: number
  readonly delayFirstProbeMs: number
  readonly reachableTimeMs: number
  readonly retransTimerMs: number
}

export type NeighborOut =
  /** A solicitation for `target`, multicast where `to` is undefined, because of a packet with this source. */
  | { readonly kind: 'solicit'; readonly target: Ipv6; readonly to: Mac | undefined; readonly src: Ipv6 | undefined }
  | { readonly kind: 'transmit'; readonly to: Mac; readonly packet: QueuedPacket }
  /** The neighbor does not answer and has been forgotten; `packets` waited for it. */
  | { readonly kind: 'unreachable'; readonly address: Ipv6; readonly packets: readonly QueuedPacket[] }
  /** The forward path works, which was not known before. */
  | { readonly kind: 'reachable'; readonly address: Ipv6 }
  /** The neighbor has said that it is a router no more. */
  | { readonly kind: 'no-router'; readonly address: Ipv6 }

/** What a neighbor advertisement says of its target. */
export interface Advertised {
  readonly mac: Mac | undefined
  readonly router: boolean
  readonly solicited: boolean
  readonly override: boolean
}

/** A packet may go to the neighbor at once, and nothing else has to be done. */
export function isSettled(neighbor: Neighbor): boolean {
  const { kind } = neighbor.state
  return kind === 'reachable' || kind === 'delay' || kind === 'probe'
}

/** When the state ends by itself. */
export function expiryOf(state: NeighborState): number {
  switch (state.kind) {
    case 'incomplete':
    case 'probe':
      return state.at
    case 'reachable':
    case 'delay':
      return state.until
    case 'stale':
    case 'gone':
      return NEVER
    default:
      return state satisfies never
  }
}
