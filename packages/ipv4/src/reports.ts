import { IPV4_ANY, type Ipv4 } from '@fata/addr'
import { type IpReport, type IpReportKind, PROTOCOL_ICMP } from '@fata/ip'
import { countDrop } from '@fata/net'
import type { Host } from './host.ts'
import type { Pinger } from './pinger.ts'
import { createHeader, createIcmpQuote, type IcmpQuote, read as readHeader } from './wire.ts'

/** Tells transports and pings what became of packets that this host sent. */
export class Reports {
  readonly #host: Host
  readonly #pinger: Pinger
  readonly #header = createHeader()
  readonly #quote = createIcmpQuote()
  readonly #report: IpReport = {
    kind: 'host-unreachable',
    src: IPV4_ANY,
    dst: IPV4_ANY,
    reporter: IPV4_ANY,
    mtu: 0,
    buf: new Uint8Array(0),
    off: 0,
    end: 0,
  }

  constructor(host: Host, pinger: Pinger) {
    this.#host = host
    this.#pinger = pinger
  }

  /** `reporter` says so about the packet that is quoted in `buf`. */
  tell(kind: IpReportKind, reporter: Ipv4, mtu: number, buf: Uint8Array, quote: IcmpQuote): void {
    const report = this.#report
    report.kind = kind
    report.src = quote.src
    report.dst = quote.dst
    report.reporter = reporter
    report.mtu = mtu
    report.buf = buf
    report.off = quote.payload
    report.end = quote.end
    countDrop(this.#host.stats.errorsReported, kind)
    if (quote.protocol === PROTOCOL_ICMP) this.#pinger.failed(report)
    this.#host.listeners.report(quote.protocol, report)
  }

  /** This host found out about its own packet at `buf[off..end)`. */
  tellOwn(kind: IpReportKind, mtu: number, buf: Uint8Array, off: number, end: number): void {
    const h = this.#header
    const quote = this.#quote
    readHeader(buf, off, h)
    quote.src = h.src
    quote.dst = h.dst
    quote.protocol = h.protocol
    quote.payload = off + h.headerLength
    quote.end = end
    this.tell(kind, h.src, mtu, buf, quote)
  }
}
