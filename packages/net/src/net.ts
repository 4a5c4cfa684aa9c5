import type { Mac } from '@fata/addr'
import type { Gather } from '@fata/bytes'
import type { FrameMeta, Offload } from './meta.ts'
import type { NetStats } from './stats.ts'

/**
 * Writes bytes at `buf[off..)`, at most as many as were asked for, and returns how many it wrote. The memory holds old bytes: every
 * byte within the returned length must be written. It must not fail, must not call back into the device, and keeps no reference.
 */
export type Fill = (buf: Uint8Array, off: number) => number

/**
 * A network device. It carries frames of its medium: Ethernet frames without the frame check sequence, or bare IP packets.
 *
 * Sending is best-effort: `write` never waits, and a frame that finds its queue full is dropped and counted. Frames are sent in the
 * order of `write`.
 */
export interface Net {
  /** What a frame is: `'ethernet'` begins with the Ethernet header, `'ip'` with the IP header (TUN devices, tunnels). */
  readonly medium: 'ethernet' | 'ip'
  /** Own address; undefined where the medium is `'ip'`. */
  readonly mac: Mac | undefined
  /** Largest IP packet in bytes; the Ethernet header comes on top. May change while the device is open. */
  readonly mtu: number
  /** What the device does beyond carrying frames. Constant. */
  readonly offload: Offload
  /** Counters, live. */
  readonly stats: NetStats

  /**
   * Lends `size` bytes of the device's memory to `fill` and sends as many as it says it wrote, followed by the bytes of `payload`.
   * `meta` is read after `fill` has run, which may set it; without it the frame is complete as it stands.
   * The ranges of `payload` may be read until the current task is over: they must not change before that.
   *
   * Throws NetError, nothing sent: `ERR_NET_CLOSED` after `close`; `ERR_NET_FRAME_TOO_LONG` where the frame exceeds the MTU and
   * `meta.gso` is `'none'`, or a super-frame exceeds 65535 bytes of IP packet (a device may refuse by `size`, before `fill` runs);
   * `ERR_NET_UNSUPPORTED` where `meta` asks for what `offload` does not claim. Throws a RangeError where `fill` says that it wrote more
   * than `size`.
   */
  write(size: number, fill: Fill, meta?: FrameMeta, payload?: Gather): void

  /** Names the one receiver of frames; a second call replaces it. Frames that arrive before are dropped and counted as `no-listener`. */
  listen(listener: NetListener): void

  /** Ends reception at once and frees the device when what was written has been sent. Idempotent, never rejects. */
  close(): Promise<void>
}

/** Receives frames. Called by the device, never inside a `write`. */
export interface NetListener {
  /**
   * One frame at `buf[off..end)`. `buf` and `meta` are the device's: valid during the call only, and not to be changed, since other
   * listeners may get the same. Who keeps bytes copies them.
   */
  frame(buf: Uint8Array, off: number, end: number, meta: FrameMeta): void
  /** Every frame that was ready has been delivered: the time for acknowledgements and output that could wait. */
  batchEnd?(): void
}
