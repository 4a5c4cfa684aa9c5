import { isIpv4 } from '@fata/addr'
import { foldSum, putU16, sumBytes, sumGather } from '@fata/bytes'
import { type Ip, type IpWriteOptions, PROTOCOL_TCP, pseudoHeaderSum } from '@fata/ip'
import { countDrop, createFrameMeta, type FrameMeta, type Offload, resetFrameMeta } from '@fata/net'
import type { Outgoing } from './core/outgoing.ts'
import type { TcpStats } from './stats.ts'
import { CHECKSUM, encode, HEADER_LEN } from './wire.ts'

/** Puts segments into the IP layer: the header straight into its memory, the text by reference, the checksum where the device can. */
export class Transmitter {
  readonly #ip: Ip
  readonly #stats: TcpStats
  readonly #meta: FrameMeta = createFrameMeta()
  readonly #options: { -readonly [K in keyof IpWriteOptions]: IpWriteOptions[K] }
  #out: Outgoing | undefined

  constructor(ip: Ip, stats: TcpStats) {
    this.#ip = ip
    this.#stats = stats
    this.#options = {
      src: undefined,
      ttl: undefined,
      trafficClass: 0,
      fragment: false,
      meta: undefined,
      payload: undefined,
    }
  }

  /** Sends one segment; returns the error of the IP layer where it refuses. */
  send(out: Outgoing, offload: Offload): Error | undefined {
    const options = this.#options
    options.src = out.src
    options.ttl = out.ttl
    options.trafficClass = out.trafficClass
    options.payload = out.payload.length === 0 ? undefined : out.payload
    options.meta = this.#describe(out, offload)
    this.#out = out
    try {
      this.#ip.write(out.dst, PROTOCOL_TCP, out.header.headerLen, this.#fill, options)
      this.#stats.segmentsOut++
      return undefined
    } catch (error) {
      return this.#refused(error)
    }
  }

  /** Says what the device is to complete; undefined where the segment is complete. */
  #describe(out: Outgoing, offload: Offload): FrameMeta | undefined {
    if (!offload.checksum) return undefined
    const meta = this.#meta
    resetFrameMeta(meta)
    meta.checksum = 'partial'
    meta.checksumOffset = CHECKSUM
    if (out.gsoSize > 0) {
      meta.gso = isIpv4(out.dst) ? 'tcp4' : 'tcp6'
      meta.gsoSize = out.gsoSize
    }
    return meta
  }

  readonly #fill = (buf: Uint8Array, off: number): number => {
    const out = this.#out!
    const { header, payload } = out
    const { headerLen } = header
    encode(buf, off, header)
    for (let i = 0; i < out.optionsLen; i++) buf[off + HEADER_LEN + i] = out.options[i]!
    const pseudo = pseudoHeaderSum(out.src, out.dst, PROTOCOL_TCP, headerLen + payload.length)
    if (this.#options.meta === undefined) {
      const sum = sumGather(payload, sumBytes(buf, off, off + headerLen, pseudo), headerLen)
      putU16(buf, off + CHECKSUM, ~foldSum(sum))
    } else {
      this.#meta.checksumStart = off
      putU16(buf, off + CHECKSUM, foldSum(pseudo))
    }
    return headerLen
  }

  #refused(error: unknown): Error {
    const code = error instanceof Error ? (error as { code?: unknown }).code : undefined
    if (typeof code !== 'string' || !/^ERR_(IP|NET)_/.test(code)) throw error
    countDrop(this.#stats.refused, code)
    return error as Error
  }
}
