import type { Gather } from '@fata/bytes'
import type { Clock } from '@fata/runtime'
import {
  encodeOptions,
  interfaceBlock,
  PACKET_TIMESTAMP,
  packetBlockLength,
  putPacketBlock,
  sectionBlock,
  statisticsBlock,
} from './blocks.ts'
import { Chunks } from './chunks.ts'
import { checkInteger, DEFAULT_SNAPLEN, type PcapInterface, type PcapWriterOptions, writerDefaults } from './options.ts'
import { createTimestamps, type Timestamps } from './timestamp.ts'
import { FLAG_INBOUND, FLAG_OUTBOUND, OPT_COMMENT } from './wire.ts'

/** Takes the next bytes of the file. They are never touched again: it may keep them. */
export type PcapSink = (bytes: Uint8Array) => void

/** Where a file goes, and whose time is in it. */
export interface PcapDeps {
  readonly sink: PcapSink
  readonly clock: Clock
}

/** Counters of a writer. */
export interface PcapWriterStats {
  /** Packets recorded. */
  readonly packets: number
  /** Packets that came after the sink had failed, or after `close`. */
  readonly dropped: number
}

/** Counters of a device, for the file. */
export interface PcapStatistics {
  readonly received: number
  /** Of those received. */
  readonly dropped: number
}

/** Writes one pcapng file, of any number of devices. No call fails for reasons of the sink. */
export interface PcapWriter {
  readonly stats: PcapWriterStats
  /** Describes a device and returns its number in the file. */
  addInterface(description: PcapInterface): number
  /** Records a packet at `buf[off..end)`, followed by the ranges of `payload`, at the present time. Copies it. */
  packet(
    device: number,
    direction: 'in' | 'out',
    buf: Uint8Array,
    off: number,
    end: number,
    payload?: Gather,
    comment?: string,
  ): void
  /** Takes back the packet that was recorded last. False where something has been written or handed over since. */
  retract(): boolean
  /** Records what a device has counted since it was added. */
  statistics(device: number, counted: PcapStatistics): void
  /** Hands what is pending to the sink. That also happens when a chunk is full, and in a task that follows. */
  flush(): void
  /** Flushes; later packets are dropped. Idempotent. */
  close(): void
}

interface Device {
  readonly snaplen: number
  readonly start: Uint8Array
}

class Writer implements PcapWriter {
  readonly stats = { packets: 0, dropped: 0 }
  readonly #deps: PcapDeps
  readonly #onError: (error: unknown) => void
  readonly #chunks: Chunks
  readonly #time: Timestamps
  readonly #devices: Device[] = []
  #isOver = false
  #isFlushDue = false
  /** Where in the chunk the last packet begins; -1 where the last block is none. */
  #lastPacket = -1

  constructor(deps: PcapDeps, options: PcapWriterOptions) {
    const { application, comment, chunkBytes, onError } = { ...writerDefaults, ...options }
    checkInteger('chunkBytes', chunkBytes, 4096, 2 ** 30)
    this.#deps = deps
    this.#onError = onError ?? ((error) => deps.clock.defer(() => throwIt(error)))
    this.#chunks = new Chunks((bytes) => this.#handOver(bytes), chunkBytes)
    this.#time = createTimestamps(deps.clock)
    this.#append(sectionBlock(application, comment))
  }

  addInterface(description: PcapInterface): number {
    const { snaplen = DEFAULT_SNAPLEN } = description
    checkInteger('snaplen', snaplen, 1, 0xffff_ffff)
    this.#append(interfaceBlock(description))
    return this.#devices.push({ snaplen, start: this.#now() }) - 1
  }

  packet(
    device: number,
    direction: 'in' | 'out',
    buf: Uint8Array,
    off: number,
    end: number,
    payload?: Gather,
    comment?: string,
  ): void {
    const { snaplen } = this.#device(device)
    const option = comment === undefined ? undefined : encodeOptions([[OPT_COMMENT, comment]])
    if (this.#isOver) {
      this.stats.dropped++
      return
    }
    const captured = Math.min(end - off + (payload === undefined ? 0 : payload.length), snaplen)
    const flags = direction === 'in' ? FLAG_INBOUND : FLAG_OUTBOUND
    const at = this.#reserve(packetBlockLength(captured, option))
    putPacketBlock(this.#chunks.bytes, at, device, flags, captured, buf, off, end, payload, option)
    this.#time.putNow(this.#chunks.bytes, at + PACKET_TIMESTAMP)
    this.#lastPacket = at
    this.stats.packets++
  }

  retract(): boolean {
    if (this.#lastPacket === -1 || !this.#chunks.giveBack(this.#lastPacket)) return false
    this.#lastPacket = -1
    this.stats.packets--
    return true
  }

  statistics(device: number, { received, dropped }: PcapStatistics): void {
    const { start } = this.#device(device)
    this.#append(statisticsBlock(device, start, this.#now(), received, dropped))
  }

  flush(): void {
    this.#chunks.flush()
  }

  close(): void {
    this.flush()
    this.#isOver = true
  }

  #device(device: number): Device {
    const found = this.#devices[device]
    if (found === undefined) throw new RangeError(`no interface has the number ${device}`)
    return found
  }

  #now(): Uint8Array {
    const time = new Uint8Array(8)
    this.#time.putNow(time, 0)
    return time
  }

  #append(block: Uint8Array): void {
    if (this.#isOver) return
    const at = this.#reserve(block.length)
    this.#chunks.bytes.set(block, at)
    this.#lastPacket = -1
  }

  #reserve(length: number): number {
    if (!this.#isFlushDue) {
      this.#isFlushDue = true
      this.#deps.clock.defer(this.#flushDue)
    }
    return this.#chunks.reserve(length)
  }

  readonly #flushDue = (): void => {
    this.#isFlushDue = false
    this.flush()
  }

  #handOver(bytes: Uint8Array): void {
    if (this.#isOver) return
    try {
      this.#deps.sink(bytes)
    } catch (error) {
      this.#isOver = true
      this.#onError(error)
    }
  }
}

function throwIt(error: unknown): never {
  throw error
}

/** Begins a pcapng file: little-endian, time stamps in nanoseconds. Throws a RangeError on options without sense. */
export function createPcapWriter(deps: PcapDeps, options: PcapWriterOptions = {}): PcapWriter {
  return new Writer(deps, options)
}
