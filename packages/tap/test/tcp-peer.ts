import { type IpAddress, type Ipv4, isIpv4, type Mac, writeIpv6, writeMac } from '@fata/addr'
import { checksum, foldSum, putU16, putU32, sumBytes, u16, u32 } from '@fata/bytes'
import { createFrameMeta, type FrameMeta, type Net, type NetListener } from '@fata/net'

// The least TCP that keeps a kernel talking: nothing is lost, reordered or closed. Checksums are left to the device.

const ETHERNET = 14
const TCP = 20
const OPTIONS = 8
const FIN = 1
const SYN = 2
const PSH = 8
const ACK = 16

export interface PeerOptions {
  readonly own: IpAddress
  readonly host: IpAddress
  readonly hostMac: Mac
  readonly mss: number
}

/** One connection of a device's owner with the kernel at its other end. */
export class TcpPeer implements NetListener {
  /** Metadata, length of frame and payload of the segments that have arrived. */
  readonly segments: { readonly meta: FrameMeta; readonly length: number; readonly payload: Uint8Array }[] = []
  closed = false
  readonly #net: Net
  readonly #options: PeerOptions
  readonly #ip: number
  readonly #meta = createFrameMeta()
  #ports = 0
  #next = 1000
  #expected = 0

  constructor(net: Net, options: PeerOptions) {
    this.#net = net
    this.#options = options
    this.#ip = isIpv4(options.own) ? 20 : 40
  }

  connect(port: number): void {
    this.#ports = ((40_000 << 16) | port) >>> 0
    this.#send(SYN, new Uint8Array(0))
  }

  /** Sends one segment; of more than the MSS as a super-frame. */
  send(payload: Uint8Array): void {
    this.#send(ACK | PSH, payload)
  }

  frame(buf: Uint8Array, off: number, end: number, meta: FrameMeta): void {
    const tcp = off + ETHERNET + this.#ip
    const isOurs = u16(buf, off + 12) === (this.#ip === 20 ? 0x0800 : 0x86dd)
    if (!isOurs || buf[this.#ip === 20 ? off + 23 : off + 20] !== 6) return
    const flags = buf[tcp + 13]!
    const data = tcp + (buf[tcp + 12]! >>> 4) * 4
    const payload = buf.slice(data, end)
    this.segments.push({ meta: { ...meta, checksumStart: meta.checksumStart - off }, length: end - off, payload })
    if ((flags & SYN) !== 0) {
      this.#expected = u32(buf, tcp + 4)
      this.#ports = ((u16(buf, tcp + 2) << 16) | u16(buf, tcp)) >>> 0
    }
    this.#expected = (this.#expected + payload.length + ((flags & (SYN | FIN)) === 0 ? 0 : 1)) >>> 0
    if ((flags & SYN) !== 0 && this.#next === 1000) this.#send(SYN | ACK, payload)
    else if (payload.length > 0 || (flags & (SYN | FIN)) !== 0) this.#send(ACK, new Uint8Array(0))
    this.closed ||= (flags & FIN) !== 0
  }

  #send(flags: number, payload: Uint8Array): void {
    const net = this.#net
    const length = ETHERNET + this.#ip + TCP + ((flags & SYN) === 0 ? 0 : OPTIONS) + payload.length
    net.write(
      length,
      (buf, off) => {
        this.#putIp(buf, off, length)
        this.#putTcp(buf, off, off + length, flags, payload)
        return length
      },
      this.#meta,
    )
    this.#next += payload.length + ((flags & SYN) === 0 ? 0 : 1)
  }

  #putIp(b: Uint8Array, off: number, length: number): void {
    const { own, host, hostMac } = this.#options
    writeMac(b, off, hostMac)
    writeMac(b, off + 6, this.#net.mac!)
    const ip = off + ETHERNET
    b.fill(0, ip, ip + this.#ip)
    putU16(b, off + 12, isIpv4(own) ? 0x0800 : 0x86dd)
    if (isIpv4(own)) {
      putU32(b, ip, (0x45000000 | (length - ETHERNET)) >>> 0)
      putU32(b, ip + 8, 0x40060000)
      putU32(b, ip + 12, own)
      putU32(b, ip + 16, host as Ipv4)
      putU16(b, ip + 10, checksum(b, ip, ip + 20))
    } else {
      putU32(b, ip, 0x60000000)
      putU16(b, ip + 4, length - ETHERNET - 40)
      putU16(b, ip + 6, 0x0640)
      writeIpv6(b, ip + 8, own)
      writeIpv6(b, ip + 24, host as typeof own)
    }
  }

  #putTcp(b: Uint8Array, off: number, end: number, flags: number, payload: Uint8Array): void {
    const { mss } = this.#options
    const ip = off + ETHERNET
    const tcp = ip + this.#ip
    const header = TCP + ((flags & SYN) === 0 ? 0 : OPTIONS)
    putU32(b, tcp, this.#ports)
    putU32(b, tcp + 4, this.#next)
    putU32(b, tcp + 8, this.#expected)
    putU16(b, tcp + 12, (header << 10) | flags)
    putU32(b, tcp + 14, 0xffff_0000)
    putU16(b, tcp + 18, 0)
    // Maximum segment size; no operation; window scale 7.
    if (header > TCP) {
      putU32(b, tcp + 20, 0x0204_0000 | mss)
      putU32(b, tcp + 24, 0x0103_0307)
    }
    b.set(payload, tcp + header)
    const addresses = ip + (this.#ip === 20 ? 12 : 8)
    putU16(b, tcp + 16, foldSum(sumBytes(b, addresses, tcp, 6 + end - tcp)))
    const isLong = payload.length > mss
    this.#meta.checksum = 'partial'
    this.#meta.checksumStart = tcp
    this.#meta.checksumOffset = 16
    this.#meta.gso = !isLong ? 'none' : this.#ip === 20 ? 'tcp4' : 'tcp6'
    this.#meta.gsoSize = isLong ? mss : 0
  }
}
