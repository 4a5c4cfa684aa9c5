import { ipv4Prefix, ipv6, ipv6Prefix } from '@fata/addr'
import type { Ip } from '@fata/ip'
import { createIpv4 } from '@fata/ipv4'
import { createIpv6 } from '@fata/ipv6'
import { createPointToPoint, type Link } from '@fata/link'
import { Posix } from '@fata/posix'
import { createVirtualRuntime, type VirtualClock, type VirtualRuntime } from '@fata/runtime'
import { createTcp, type Tcp } from '@fata/tcp'
import { createUdp } from '@fata/udp'
import type { Network } from './mode.ts'
import { SegmentingNet } from './segmenting-net.ts'
import type { Settings } from './settings.ts'

/** A packet that the stack has sent, and when. */
export interface Sent {
  readonly at: number
  readonly bytes: Uint8Array
}

/** A stack over a device whose other end is the script, in virtual time. */
export class Host {
  readonly posix: Posix
  readonly tcp: Tcp
  readonly sent: Sent[] = []
  readonly #runtime: VirtualRuntime = createVirtualRuntime()
  readonly #net: SegmentingNet
  readonly #closers: (() => unknown)[]
  readonly #ready: Promise<void>

  private constructor(network: Network, settings: Settings) {
    this.#net = new SegmentingNet(network.mtu, (bytes) => this.sent.push({ at: this.clock.now(), bytes }))
    const link = createPointToPoint(this.#net)
    const layer = network.mode === 'ipv6' ? this.#ipv6(link) : this.#ipv4(link)
    const deps = { ip: layer.ip, ...this.#runtime }
    const udp = createUdp(deps)
    this.tcp = createTcp(deps, settings.tcp)
    this.#ready = layer.ready
    this.#closers = [() => this.tcp.close(), () => udp.close(), layer.close]
    this.posix = new Posix({ tcp: this.tcp, udp, ...this.#runtime, personality: settings.personality })
  }

  /** A host whose addresses may be used. */
  static async create(network: Network, settings: Settings): Promise<Host> {
    const host = new Host(network, settings)
    await host.clock.settle(host.#ready)
    host.sent.length = 0
    return host
  }

  get clock(): VirtualClock {
    return this.#runtime.clock
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    await this.clock.run(() => true)
  }

  /** Moves time to `at`, in ms of the clock. */
  async advanceTo(at: number): Promise<void> {
    await this.clock.run(() => false, at)
    if (at > this.clock.now()) this.clock.advance(at - this.clock.now())
  }

  /** Runs until something was sent, or until `limit`. */
  async untilSent(limit: number): Promise<void> {
    if (this.sent.length === 0) await this.clock.run(() => this.sent.length > 0, limit)
  }

  /** A packet arrives. */
  inject(packet: Uint8Array): void {
    this.#net.receive(packet)
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close()
  }

  #ipv4(link: Link): { ip: Ip; ready: Promise<void>; close: () => void } {
    const ip = createIpv4({ link, ...this.#runtime })
    ip.addAddress(ipv4Prefix('192.168.0.1/16'))
    ip.addRoute({ prefix: ipv4Prefix('0.0.0.0/0') })
    return { ip, ready: Promise.resolve(), close: () => ip.close() }
  }

  #ipv6(link: Link): { ip: Ip; ready: Promise<void>; close: () => void } {
    const ip = createIpv6(
      { link, ...this.#runtime },
      {
        addresses: [ipv6Prefix('fd3d:a0b:17d6::1/64')],
        gateway: ipv6('fe80::2'),
        acceptRouterAdvertisements: false,
        dupAddrDetectTransmits: 0,
      },
    )
    return { ip, ready: ip.ready, close: () => ip.close() }
  }
}
