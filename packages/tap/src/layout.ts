import { VNET_HEADER } from './wire/vnet-header.ts'

const ETHERNET_HEADER = 14
/** IEEE 802.1Q: four bytes between the addresses and the type. */
export const VLAN_TAG = 4
const LARGEST_PACKET = 65535

/** Where things stand in the memory of a frame: `lead` bytes, the virtio_net_hdr (if any), the link header (if any), the IP packet. */
export interface FrameLayout {
  /** Free bytes behind an 8-byte boundary, such that the IP packet begins at one. */
  readonly lead: number
  /** Of the virtio_net_hdr: 10 or 0. */
  readonly header: number
  /** Of the link header: 14 or 0. */
  readonly link: number
  /** Bytes that the shortest frame of the medium has. */
  readonly shortest: number
  /** Bytes that the longest frame can have. */
  readonly longest: number
  /** Bytes that the longest super-frame can have. */
  readonly longestSuperFrame: number
}

/** The layout for a device with or without a virtio_net_hdr. */
export function frameLayout(medium: 'ethernet' | 'ip', vnet: boolean): FrameLayout {
  const isEthernet = medium === 'ethernet'
  const header = vnet ? VNET_HEADER : 0
  const link = isEthernet ? ETHERNET_HEADER : 0
  return {
    lead: -(header + link) & 7,
    header,
    link,
    shortest: isEthernet ? ETHERNET_HEADER : 1,
    longest: LARGEST_PACKET + link + (isEthernet ? VLAN_TAG : 0),
    longestSuperFrame: LARGEST_PACKET + link,
  }
}
