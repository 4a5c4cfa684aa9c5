import type { FrameMeta } from '../meta.ts'
import type { Net } from '../net.ts'
import { fillWith } from './frames.ts'

/** Takes a frame that left the device at `buf[off..end)`, copying it; `meta` where the other end knows any. */
export type Observe = (buf: Uint8Array, off: number, end: number, meta?: FrameMeta) => void

/** Two devices joined to each other; `a` is put to the test, and `b` is read and written to do so. Equal MTUs. */
export interface NetEnds {
  readonly a: Net
  readonly b: Net
  /** Resolves when what is on its way has arrived: moves virtual time, or waits. */
  settle(): Promise<void>
  /** Called after the test, after both have been closed. */
  dispose?(): Promise<void>
}

/** One device whose other end is no `Net`: the program, the kernel, a wire. Frames that the test did not ask for may be observed, too. */
export interface NetBench {
  readonly net: Net
  /** Makes the device receive `frames`, in order and together. Called inside of `observe`, too, where it must not wait. */
  inject(frames: readonly Uint8Array[]): void
  /** Resolves when what is on its way has arrived: moves virtual time, or waits. */
  settle(): Promise<void>
  /** Called after the test, after the device has been closed. */
  dispose?(): Promise<void>
}

/** Makes a bench of two ends: `b` observes and injects. */
export function benchOfEnds(ends: NetEnds, observe: Observe): NetBench {
  const { a, b } = ends
  b.listen({ frame: observe })
  return {
    net: a,
    inject(frames) {
      for (const frame of frames) b.write(frame.length, fillWith(frame))
    },
    settle: () => ends.settle(),
    async dispose() {
      await b.close()
      await ends.dispose?.()
    },
  }
}
