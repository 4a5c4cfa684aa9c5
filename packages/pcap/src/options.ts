import type { Mac } from '@fata/addr'

export interface PcapWriterOptions {
  /** What writes the file, as Wireshark shows it. Default `'Fata'`. */
  readonly application?: string
  /** A comment on the whole file. Default: none. */
  readonly comment?: string
  /** Size in bytes of the memory in which blocks are collected for the sink, 4096 or more. Default 131072. */
  readonly chunkBytes?: number
  /** Told once what the sink threw; recording has ended then, and packets are dropped. Default: it is thrown in a task of its own. */
  readonly onError?: ((error: unknown) => void) | undefined
}

/** How a device is described in the file. */
export interface PcapInterface {
  /** `'ethernet'` is link type 1, `'ip'` link type 101. */
  readonly medium: 'ethernet' | 'ip'
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly mac?: Mac | undefined
  readonly comment?: string | undefined
  /** Bytes recorded of each packet, 1 or more. Default 262144. */
  readonly snaplen?: number | undefined
}

export interface CaptureOptions {
  /** Name of the device in the file. Default: none. */
  readonly name?: string
  readonly description?: string
  /** A comment on the device. */
  readonly comment?: string
  /** Address to record. Default: the device's. */
  readonly mac?: Mac
  /** Bytes recorded of each packet, 1 or more. Default 262144: every frame whole. */
  readonly snaplen?: number
  /** As in `PcapWriterOptions`; unused where a writer is given. */
  readonly onError?: (error: unknown) => void
  /** Comments on packets what their bytes do not show: a partial checksum, a super-frame. Default false. */
  readonly annotateOffload?: boolean
}

export const writerDefaults: Required<Omit<PcapWriterOptions, 'comment' | 'onError'>> = Object.freeze({
  application: 'Fata',
  chunkBytes: 131072,
})

export const DEFAULT_SNAPLEN = 262144

/** Throws a RangeError unless `value` is an integer in `least..most`. */
export function checkInteger(name: string, value: number, least: number, most: number): void {
  if (!(Number.isInteger(value) && value >= least && value <= most))
    throw new RangeError(`${name} must be an integer in ${least}..${most}, got ${value}`)
}
