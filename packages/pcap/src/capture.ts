import type { Gather } from '@fata/bytes'
import type { DropCounts, Fill, FrameMeta, Net, NetListener, NetStats } from '@fata/net'
import type { CaptureOptions } from './options.ts'
import { createPcapWriter, type PcapDeps, type PcapStatistics, type PcapWriter } from './writer.ts'

/**
 * Wraps a device: everything that is written to the result, or delivered to its listener, is recorded on its way. Frames are recorded as
 * the device takes and delivers them: super-frames whole, partial checksums partial, and also those that the device drops later.
 *
 * With a writer, several devices share one file, and its owner closes it; otherwise closing the device completes the file.
 * Throws a RangeError on options without sense.
 */
export function capture(net: Net, to: PcapWriter | PcapDeps, options: CaptureOptions = {}): Net {
  if ('packet' in to) return new Capture(net, to, false, options)
  return new Capture(net, createPcapWriter(to, { onError: options.onError }), true, options)
}

class Capture implements Net {
  readonly #net: Net
  readonly #writer: PcapWriter
  readonly #isOwn: boolean
  readonly #device: number
  readonly #annotate: boolean
  readonly #before: PcapStatistics
  #isClosed = false
  // What the running `write` was called with, for `#record`.
  #size = 0
  #fill: Fill = () => 0
  #meta: FrameMeta | undefined
  #payload: Gather | undefined

  constructor(net: Net, writer: PcapWriter, isOwn: boolean, options: CaptureOptions) {
    const { name, description, comment, snaplen, annotateOffload = false } = options
    const { medium } = net
    this.#net = net
    this.#writer = writer
    this.#isOwn = isOwn
    this.#annotate = annotateOffload
    this.#before = counted(net.stats)
    this.#device = writer.addInterface({ medium, mac: options.mac ?? net.mac, name, description, comment, snaplen })
  }

  get medium(): Net['medium'] {
    return this.#net.medium
  }

  get mac(): Net['mac'] {
    return this.#net.mac
  }

  get mtu(): number {
    return this.#net.mtu
  }

  get offload(): Net['offload'] {
    return this.#net.offload
  }

  get stats(): NetStats {
    return this.#net.stats
  }

  write(size: number, fill: Fill, meta?: FrameMeta, payload?: Gather): void {
    this.#size = size
    this.#fill = fill
    this.#meta = meta
    this.#payload = payload
    const { stats } = this.#writer
    const before = stats.packets
    try {
      this.#net.write(size, this.#record, meta, payload)
    } catch (error) {
      if (stats.packets === before + 1) this.#writer.retract()
      throw error
    }
  }

  listen(listener: NetListener): void {
    this.#net.listen({
      frame: (buf, off, end, meta) => {
        this.#writer.packet(this.#device, 'in', buf, off, end, undefined, this.#note(meta))
        listener.frame(buf, off, end, meta)
      },
      batchEnd: () => listener.batchEnd?.(),
    })
  }

  async close(): Promise<void> {
    await this.#net.close()
    if (this.#isClosed) return
    this.#isClosed = true
    const { received, dropped } = counted(this.#net.stats)
    this.#writer.statistics(this.#device, {
      received: Math.max(0, received - this.#before.received),
      dropped: Math.max(0, dropped - this.#before.dropped),
    })
    if (this.#isOwn) this.#writer.close()
  }

  readonly #record: Fill = (buf, off) => {
    const used = this.#fill(buf, off)
    // More than was lent, or no number: the device refuses it.
    if (used <= this.#size)
      this.#writer.packet(this.#device, 'out', buf, off, off + used, this.#payload, this.#note(this.#meta))
    return used
  }

  #note(meta: FrameMeta | undefined): string | undefined {
    if (!this.#annotate || meta?.checksum !== 'partial') return undefined
    return meta.gso === 'none'
      ? 'checksum partial'
      : `checksum partial, to be cut into segments of ${meta.gsoSize} bytes`
  }
}

function counted(stats: NetStats): PcapStatistics {
  const dropped = total(stats.rxDropped)
  return { received: stats.rxFrames + dropped, dropped }
}

function total(drops: DropCounts): number {
  return Object.values(drops).reduce((sum, n) => sum + n, 0)
}
