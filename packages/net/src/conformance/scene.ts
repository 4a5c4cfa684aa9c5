import { addToGather, createGather, type Gather } from '@fata/bytes'
import { systemClock } from '@fata/runtime'
import { createFrameMeta, type FrameMeta } from '../meta.ts'
import type { Net } from '../net.ts'
import { check, same, sameBytes } from './check.ts'
import { benchOfEnds, type NetBench, type NetEnds, type Observe } from './fixture.ts'
import { fillWith, isTestFrame } from './frames.ts'

/** A frame that was observed or delivered, with `meta` counted from its first byte. */
export interface SeenFrame {
  readonly bytes: Uint8Array
  readonly meta: FrameMeta
}

/** What a listener of the scene was told, in order. */
export interface Delivered {
  readonly frames: SeenFrame[]
  /** One letter per call: `f` frame, `e` end of a batch. */
  calls: string
  /** Runs inside of the listener after each test frame. */
  onFrame: (() => void) | undefined
}

/** What one test works with: a fresh device, and what has happened to it. */
export class Scene {
  readonly net: Net
  /** Nobody else uses the wire: receive counters are exact. */
  readonly quiet: boolean
  /** Test frames that have left the device. */
  readonly sent: SeenFrame[] = []
  /** Runs after each observed test frame. */
  onSent: (() => void) | undefined
  /** Listener calls that happened inside of a `write`. */
  violations = 0
  writing = false
  readonly #bench: NetBench

  constructor(bench: NetBench, quiet: boolean) {
    this.net = bench.net
    this.quiet = quiet
    this.#bench = bench
  }

  inject(...frames: Uint8Array[]): void {
    this.#bench.inject(frames)
  }

  settle(): Promise<void> {
    return this.#bench.settle()
  }

  /** Writes `bytes` by fill, with `payload` behind. */
  write(bytes: Uint8Array, meta?: FrameMeta, payload?: Gather): void {
    this.writing = true
    try {
      this.net.write(bytes.length, fillWith(bytes), meta, payload)
    } finally {
      this.writing = false
    }
  }

  /** Becomes the listener and keeps what is delivered. */
  listen(): Delivered {
    const delivered: Delivered = { frames: [], calls: '', onFrame: undefined }
    this.net.listen({
      frame: (buf, off, end, meta) => {
        if (this.writing) this.violations++
        const frame = seeFrame(this.net, buf, off, end, meta)
        if (frame === undefined) return
        delivered.frames.push(frame)
        delivered.calls += 'f'
        delivered.onFrame?.()
      },
      batchEnd: () => {
        delivered.calls += 'e'
      },
    })
    return delivered
  }
}

/** Builds a scene, runs `test` in it and tears it down. */
export async function inScene(
  create: (observe: Observe) => NetBench | NetEnds | Promise<NetBench | NetEnds>,
  quiet: boolean,
  test: (scene: Scene) => Promise<void>,
): Promise<void> {
  let scene: Scene | undefined
  let isEnds = false
  const observe: Observe = (buf, off, end, meta) => {
    const frame = scene && seeFrame(scene.net, buf, off, end, meta)
    if (scene === undefined || frame === undefined) return
    if (isEnds && scene.writing) scene.violations++
    scene.sent.push(frame)
    scene.onSent?.()
  }
  const made = await create(observe)
  isEnds = 'a' in made
  const bench = 'a' in made ? benchOfEnds(made, observe) : made
  scene = new Scene(bench, quiet)
  try {
    await test(scene)
  } finally {
    await scene.net.close()
    await bench.dispose?.()
  }
}

function seeFrame(net: Net, buf: Uint8Array, off: number, end: number, meta?: FrameMeta): SeenFrame | undefined {
  const bytes = buf.slice(off, end)
  if (!isTestFrame(net, bytes)) return undefined
  const seen = { ...(meta ?? createFrameMeta()) }
  if (seen.checksum === 'partial') seen.checksumStart -= off
  return { bytes, meta: seen }
}

/** Throws unless exactly `expected` was seen, in that order. */
export function sameFrames(seen: readonly SeenFrame[], expected: readonly Uint8Array[], what: string): void {
  expected.forEach((bytes, i) => {
    const frame = seen[i]
    check(frame !== undefined, `${what}: frame ${i + 1} of ${expected.length} is missing`)
    sameBytes(frame.bytes, bytes, `${what}: frame ${i + 1}`)
  })
  same(seen.length, expected.length, `${what}: frames`)
}

/** Byte ranges for a payload; each range has memory of its own. */
export function gatherOf(...ranges: Uint8Array[]): Gather {
  const g = createGather()
  for (const range of ranges) addToGather(g, range, 0, range.length)
  return g
}

/** Resolves in a later task, without moving the time of the device. */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => systemClock().defer(resolve))
}
