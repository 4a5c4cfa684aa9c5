import {
  IPV4_BROADCAST,
  type IpAddress,
  ipEquals,
  isIpv4,
  isMulticast,
  type Prefix,
  prefix,
  prefixContains,
} from '@fata/addr'
import { copyGather } from '@fata/bytes'
import { type Ip, IpError, type IpListener, type IpPacket, type IpReportKind } from '@fata/ip'
import { createFrameMeta, type FrameMeta, NetError, NO_OFFLOAD, type Offload } from '@fata/net'
import type { Clock } from '@fata/runtime'

/** A packet that was written, with copies of everything. */
export interface Sent {
  readonly src: IpAddress
  readonly dst: IpAddress
  readonly protocol: number
  readonly ttl: number | undefined
  readonly trafficClass: number | undefined
  readonly fragment: boolean | undefined
  readonly meta: FrameMeta | undefined
  /** Header and data. */
  readonly bytes: Uint8Array
}

export interface TestIpOptions {
  readonly addresses: readonly string[]
  readonly mtu?: number
  readonly offload?: Offload
  /** Off-link destinations have a route. Default true. */
  readonly gateway?: boolean
}

/** An IP layer for tests: routes, limits and errors as the contract says; packets go to a list, and to `outlet` where there is one. */
export interface TestIp {
  readonly ip: Ip
  readonly sent: Sent[]
  down: boolean
  outlet: ((packet: Sent) => void) | undefined
  /** A packet arrives. True where somebody took it. */
  deliver(src: IpAddress, dst: IpAddress, bytes: Uint8Array, more?: Partial<IpPacket>): boolean
  /** An error arrives about a packet of ours, of which `quote` is the beginning. */
  report(kind: IpReportKind, about: Sent, reporter: IpAddress, mtu?: number, quote?: Uint8Array): void
}

const UDP = 17

export function createTestIp({ addresses, mtu = 1480, offload = NO_OFFLOAD, gateway = true }: TestIpOptions): TestIp {
  const own: readonly Prefix[] = addresses.map(prefix)
  const listeners = new Set<IpListener>()

  const source = (dst: IpAddress): IpAddress => {
    const family = own.filter((p) => isIpv4(p.address) === isIpv4(dst))
    if (family.length === 0) throw new IpError('ERR_IP_FAMILY', 'no address of that family')
    const onLink = family.find((p) => prefixContains(p, dst) || isMulticast(dst) || dst === IPV4_BROADCAST)
    if (onLink === undefined && !gateway) throw new IpError('ERR_IP_NO_ROUTE', 'no route')
    return (onLink ?? family[0]!).address
  }
  const self: TestIp = {
    sent: [],
    down: false,
    outlet: undefined,
    ip: {
      addresses: () => own,
      source,
      mtu(dst) {
        source(dst)
        return mtu
      },
      offload(dst) {
        source(dst)
        return offload
      },
      write(dst, protocol, size, fill, options = {}) {
        const src = options.src ?? source(dst)
        if (self.down) throw new NetError('ERR_NET_CLOSED', 'the device is closed')
        if (size > mtu && options.fragment === false)
          throw new IpError('ERR_IP_WOULD_FRAGMENT', 'too long for one packet')
        if (size > 65535) throw new IpError('ERR_IP_TOO_LONG', 'too long for a datagram')
        const slab = new Uint8Array(size + 64).fill(0xa5)
        let end = fill(slab, 20)
        if (options.payload !== undefined) end += copyGather(slab, 20 + end, options.payload)
        const { ttl, trafficClass, fragment } = options
        const meta =
          options.meta === undefined ? undefined : { ...options.meta, checksumStart: options.meta.checksumStart - 20 }
        const packet = { src, dst, protocol, ttl, trafficClass, fragment, meta, bytes: slab.slice(20, 20 + end) }
        self.sent.push(packet)
        self.outlet?.(packet)
      },
      listen(protocol, listener) {
        if (protocol === UDP) listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      confirm() {},
    },
    deliver(src, dst, bytes, more = {}) {
      const multicast = isMulticast(dst) || dst === IPV4_BROADCAST
      const packet: IpPacket = {
        src,
        dst,
        protocol: UDP,
        ttl: 64,
        trafficClass: 0,
        multicast,
        meta: createFrameMeta(),
        ...more,
      }
      const buf = new Uint8Array([0xa5, 0xa5, 0xa5, ...bytes, 0xa5])
      for (const listener of listeners) if (listener.packet(buf, 3, buf.length - 1, packet)) return true
      return false
    },
    report(kind, about, reporter, nextMtu = 0, quote = about.bytes.slice(0, 8)) {
      const { src, dst } = about
      const buf = new Uint8Array([0xa5, ...quote])
      for (const listener of listeners)
        listener.error?.({ kind, src, dst, reporter, mtu: nextMtu, buf, off: 1, end: buf.length })
    },
  }
  return self
}

/** Joins hosts: what one sends the others hear a millisecond later, and ports that nobody hears are reported as unreachable. */
export function join(clock: Clock, ...hosts: readonly TestIp[]): void {
  for (const host of hosts) {
    host.outlet = (packet) => {
      clock.schedule(clock.now() + 1, () => {
        const group = isMulticast(packet.dst) || packet.dst === IPV4_BROADCAST
        for (const other of hosts) {
          const isFor = other.ip.addresses().some((p) => ipEquals(p.address, packet.dst))
          if (other === host || !(group || isFor)) continue
          if (!other.deliver(packet.src, packet.dst, packet.bytes) && !group)
            host.report('port-unreachable', packet, packet.dst)
        }
      })
    }
  }
}
