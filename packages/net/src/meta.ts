/** How far a frame's transport checksum can be trusted; see `FrameMeta`. */
export type ChecksumState = 'none' | 'partial' | 'valid'

/** Whether a frame is a super-frame, and of what: TCP over IPv4 or over IPv6. */
export type GsoType = 'none' | 'tcp4' | 'tcp6'

/**
 * What travels beside a frame, in both directions; after virtio_net_hdr (VIRTIO 1.2 §5.1.6). Positions are absolute in the buffer, as
 * `fill` and the listener see it, so no layer has to adjust them.
 */
export interface FrameMeta {
  /**
   * `'none'`: nobody vouches for the transport checksum. `'partial'`: the checksum field holds the folded, uncomplemented sum of the
   * pseudo-header, and whoever puts the frame on a wire completes it; a receiver may trust such a frame. `'valid'` (received frames
   * only): the device verified it.
   */
  checksum: ChecksumState
  /** Where the checksummed bytes begin; they reach to the end of the frame. With `'partial'`. */
  checksumStart: number
  /** Where the checksum field is, counted from `checksumStart`. With `'partial'`. */
  checksumOffset: number
  /** A super-frame carries the payload of several segments behind one set of headers. Needs `checksum: 'partial'` when sent. */
  gso: GsoType
  /** Payload bytes of each segment but the last. With `gso`. */
  gsoSize: number
}

/** What a device does beyond carrying frames. */
export interface Offload {
  /** Completes partial checksums of the frames it is given. */
  readonly checksum: boolean
  /** Takes TCP super-frames over IPv4 and segments them. */
  readonly tso4: boolean
  /** Takes TCP super-frames over IPv6 and segments them. */
  readonly tso6: boolean
}

/** The ordinary device: every frame is complete. */
export const NO_OFFLOAD: Offload = Object.freeze({ checksum: false, tso4: false, tso6: false })

/** A record for reuse, saying nothing yet. */
export function createFrameMeta(): FrameMeta {
  return { checksum: 'none', checksumStart: 0, checksumOffset: 0, gso: 'none', gsoSize: 0 }
}

/** Makes `meta` say nothing again. */
export function resetFrameMeta(meta: FrameMeta): void {
  meta.checksum = 'none'
  meta.checksumStart = 0
  meta.checksumOffset = 0
  meta.gso = 'none'
  meta.gsoSize = 0
}
