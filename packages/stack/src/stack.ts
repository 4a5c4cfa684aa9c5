import type { IpAddress, Prefix } from '@fata/addr'
import { createArp } from '@fata/arp'
import { createEthernet } from '@fata/ethernet'
import type { Ip } from '@fata/ip'
import { createPointToPoint } from '@fata/link'
import type { Net } from '@fata/net'
import { type Runtime, systemRuntime } from '@fata/runtime'
import { createTcp, type Tcp } from '@fata/tcp'
import { createUdp, type Udp } from '@fata/udp'
import { resolveConfig, type StackConfig } from './config.ts'
import { dualIp } from './dual-ip.ts'
import { buildIpv4, buildIpv6, type LayerOptions, type Layers } from './layers.ts'
import { type PingOptions, type PingOutcome, ping } from './ping.ts'

/** A TCP/IP stack over one device. */
export interface Stack extends AsyncDisposable {
  readonly tcp: Tcp
  readonly udp: Udp
  /** Both families as one. */
  readonly ip: Ip
  /** The layers by themselves, for what is particular to them; undefined where the configuration leaves one out. */
  readonly layers: Layers
  /** Resolves when the configured addresses may be used; rejects with the reason when none of them can be. */
  readonly ready: Promise<void>
  /** The addresses that may be used now. */
  addresses(): readonly Prefix[]
  /** ICMP echo. Rejects with the signal's reason, and as `Ip.source` where nothing can be sent. */
  ping(dst: IpAddress, options?: PingOptions): Promise<PingOutcome>
  /** Aborts what is open, stops every timer and closes the device. Idempotent, never rejects. */
  close(): Promise<void>
}

/**
 * Puts a stack together and starts it on `device`, whose listener it becomes.
 *
 *            tcp    udp             each asks for protocol 6 or 17
 *              \    /
 *               ip                  dualIp: the address decides the family
 *              /  \
 *   arp <-- ipv4   ipv6             next hops: ARP's answers, or IPv6's own Neighbor Discovery
 *      \      |    /
 *       `--- link                   Ethernet, or point to point where the device carries bare packets
 *             |
 *           device
 *
 * Throws StackError `ERR_STACK_CONFIG` where the configuration makes no sense.
 */
export function createStack(
  device: Net,
  config: StackConfig = {},
  runtime: Runtime = systemRuntime(),
  options: LayerOptions = {},
): Stack {
  const settings = resolveConfig(config)
  const link = device.medium === 'ethernet' ? createEthernet(device) : createPointToPoint(device)
  const arp = settings.ipv4 && link.mac !== undefined ? createArp({ link, ...runtime }, options.arp) : undefined
  const ipv4 = settings.ipv4 && buildIpv4(settings.ipv4, { link, arp }, runtime, options.ipv4)
  const ipv6 = settings.ipv6 && buildIpv6(settings.ipv6, link, runtime, options.ipv6)
  const ip = dualIp(ipv4, ipv6)
  const udp = createUdp({ ip, groups: ip, ...runtime }, options.udp)
  const tcp = createTcp({ ip, ...runtime }, options.tcp)

  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= (async () => {
      await tcp.close()
      await udp.close()
      ipv6?.close()
      ipv4?.close()
      arp?.close()
      await device.close()
    })()
    return closing
  }
  return {
    tcp,
    udp,
    ip,
    layers: { device, link, arp, ipv4, ipv6 },
    ready: ipv6?.ready ?? Promise.resolve(),
    addresses: () => ip.addresses(),
    ping: (dst, options) => ping(ipv4, ipv6, dst, options),
    close,
    [Symbol.asyncDispose]: close,
  }
}
