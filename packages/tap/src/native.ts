/** A descriptor on the event loop; opaque. */
export type Watch = object & { readonly watch?: never }

export const READABLE = 1
export const WRITABLE = 2

/** Ranges that one frame may have behind its header. */
export const MAX_RANGES = 15
/** Different buffers that the ranges of one `write` may lie in. */
export const MAX_BUFFERS = 64

/** ioctl requests by name; the numbers differ between architectures. */
export interface Requests {
  readonly TUNSETIFF: number
  readonly TUNGETIFF: number
  readonly TUNGETFEATURES: number
  readonly TUNSETVNETHDRSZ: number
  readonly TUNSETOFFLOAD: number
  readonly TUNSETSNDBUF: number
}

/** The addon (native/*.c): system calls, each in one call. Where a number comes back, a negative one is `-errno`. */
export interface Native {
  readonly requests: Requests
  /** Opens a file, non-blocking, and returns its descriptor. */
  open(path: string, writable: boolean): number
  close(fd: number): number
  /** A Uint8Array is passed by address, and must have the size the request demands; a number by value. */
  ioctl(fd: number, request: number, argument: Uint8Array | number): number
  /** Opens a non-blocking rtnetlink socket that hears the multicast groups of the mask. */
  netlink(groups: number): number
  /** Moves the calling thread into a network namespace. */
  setns(fd: number): number
  /**
   * Reads frames until none is left or the slab or the descriptors are full, and returns how many. Each stands `lead` bytes behind an
   * 8-byte boundary and has `room` bytes; `descriptors` receives pairs of offset and length.
   */
  read(fd: number, slab: Uint8Array, descriptors: Int32Array, lead: number, room: number): number
  /**
   * Writes `frames` frames, one system call each, and returns how many were taken. They are described from `commands[start]` on: offset
   * in the slab, length, number of ranges, and per range: index in `buffers`, offset, length. `commands[0]` receives the errno that
   * stopped the frame behind the last one taken, or 0.
   */
  write(
    fd: number,
    slab: Uint8Array,
    commands: Int32Array,
    start: number,
    frames: number,
    buffers: readonly Uint8Array[],
    bufferCount: number,
  ): number
  /**
   * Puts a descriptor on the event loop, watching for nothing, without keeping the process alive. `callback` gets READABLE, WRITABLE or
   * both; or `-errno`, and then nothing is watched any more.
   */
  watch(fd: number, callback: (events: number) => void): Watch | number
  watchEvents(watch: Watch, events: number): number
  watchRef(watch: Watch, keepsProcessAlive: boolean): void
  /** Stops watching, closes the descriptor in another thread, and calls `done`. */
  watchClose(watch: Watch, done: () => void): void
}
