import { type Ipv4, isIpv4LinkLocal, MAC_BROADCAST, type Mac } from '@fata/addr'
import type { ArpPacket } from '../wire.ts'

/** What the core wants done. */
export type ArpOutput =
  | { readonly kind: 'send'; readonly to: Mac; readonly packet: ArpPacket }
  /** A query has its answer. */
  | { readonly kind: 'resolved'; readonly address: Ipv4; readonly mac: Mac }
  /** A query has ended without one. */
  | { readonly kind: 'failed'; readonly address: Ipv4 }
  /** A neighbour has another hardware address than before. */
  | { readonly kind: 'moved'; readonly address: Ipv4; readonly from: Mac; readonly mac: Mac }
  /** An entry had to give way to another. */
  | { readonly kind: 'evicted'; readonly address: Ipv4 }
  /** `mac` uses an address of ours; see `ArpConflict`. */
  | {
      readonly kind: 'conflict'
      readonly address: Ipv4
      readonly mac: Mac
      readonly defended: boolean
      readonly lost: boolean
    }
  /** A probe has ended: `usedBy` has the address, or undefined where it is free. */
  | { readonly kind: 'probed'; readonly address: Ipv4; readonly usedBy: Mac | undefined }

export const NO_MAC: Mac = 0 as Mac
export const NO_ADDRESS: Ipv4 = 0 as Ipv4

/** A packet to one station - or to all, where RFC 3927 §2.5 wants everybody to see who uses a link-local address. */
export function send(to: Mac, packet: ArpPacket): ArpOutput {
  return { kind: 'send', to: isIpv4LinkLocal(packet.spa) ? MAC_BROADCAST : to, packet }
}
