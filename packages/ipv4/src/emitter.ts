import type { Ipv4, Mac } from '@fata/addr'
import { copyBytes, u32 } from '@fata/bytes'
import { ETHERTYPE_IPV4 } from '@fata/link'
import { completeChecksum, countDrop, createFrameMeta, type Fill, resetFrameMeta } from '@fata/net'
import type { StoredPacket } from './core/pending.ts'
import { copyMeta, countUnsent, type Host, linkMtu } from './host.ts'
import type { Reports } from './reports.ts'
import { copiedOptions, createHeader, encode, HEADER_LEN, type Ipv4Header, read } from './wire.ts'

const NO_OPTIONS = new Uint8Array(0)

/** Sends packets that stand in memory of ours, in fragments where it must. */
export class Emitter {
  readonly #host: Host
  readonly #reports: Reports
  readonly #header: Ipv4Header = createHeader()
  readonly #meta = createFrameMeta()
  /** What the fills below copy from. */
  #packet: StoredPacket | undefined
  #from = 0
  #options: Uint8Array = NO_OPTIONS

  constructor(host: Host, reports: Reports) {
    this.#host = host
    this.#reports = reports
  }

  readonly #fillWhole: Fill = (buf, off) => {
    const { buf: from, off: start, end, meta } = this.#packet!
    copyMeta(this.#meta, meta, off - start)
    return copyBytes(buf, off, from, start, end)
  }

  readonly #fillFragment: Fill = (buf, off) => {
    const { headerLength, totalLength } = this.#header
    encode(buf, off, this.#header, this.#options)
    copyBytes(buf, off + headerLength, this.#packet!.buf, this.#from, this.#from + totalLength - headerLength)
    return totalLength
  }

  /** Sends `packet` to the station `mac`. Throws NetError. */
  emit(mac: Mac, packet: StoredPacket): void {
    const { link, stats } = this.#host
    const { buf, off, end, meta } = packet
    const mtu = linkMtu(this.#host, u32(buf, off + 16) as Ipv4)
    if (end - off > mtu && meta.gso === 'none') {
      this.#emitFragments(mac, packet, mtu)
      return
    }
    this.#packet = packet
    copyMeta(this.#meta, meta, 0)
    link.write(mac, ETHERTYPE_IPV4, end - off, this.#fillWhole, this.#meta)
    stats.sent++
  }

  /** Fragments behind the first have these alone. */
  #keepCopiedOptions(): void {
    this.#options = copiedOptions(this.#options, 0, this.#options.length)
    this.#header.headerLength = HEADER_LEN + this.#options.length
  }

  /** As `emit`, when the writer is not there any more to be told. */
  emitLater(mac: Mac, packet: StoredPacket): void {
    try {
      this.emit(mac, packet)
    } catch (error) {
      countUnsent(this.#host.stats, 'link-refused', error)
    }
  }

  /** RFC 791 §3.2. The first fragment has all options. */
  #emitFragments(mac: Mac, packet: StoredPacket, mtu: number) {
    const { link, stats } = this.#host
    const { buf, off, end, meta } = packet
    const h = this.#header
    read(buf, off, h)
    if (h.dontFragment) {
      countDrop(stats.unsent, 'too-big')
      return this.#reports.tellOwn('packet-too-big', mtu, buf, off, end)
    }
    if (meta.checksum === 'partial') completeChecksum(buf, off, end, meta)
    resetFrameMeta(meta)
    this.#packet = packet
    const start = off + h.headerLength
    this.#options = start === off + HEADER_LEN ? NO_OPTIONS : buf.slice(off + HEADER_LEN, start)
    for (let from = start, to = from; from < end; from = to) {
      to = Math.min(from + ((mtu - h.headerLength) & ~7), end)
      h.totalLength = h.headerLength + to - from
      h.moreFragments = to < end
      h.fragmentOffset = from - start
      this.#from = from
      link.write(mac, ETHERTYPE_IPV4, h.totalLength, this.#fillFragment)
      stats.sent++
      if (from === start && h.headerLength > HEADER_LEN) this.#keepCopiedOptions()
    }
    stats.fragmented++
  }
}
