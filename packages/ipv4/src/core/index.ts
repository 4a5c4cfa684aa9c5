import type { DropCounts } from '@fata/net'
import type { Core, Random } from '@fata/runtime'
import type { Settings } from '../options.ts'
import { Addresses } from './addresses.ts'
import type { Datagram } from './datagram.ts'
import { Igmp, type IgmpOut } from './igmp.ts'
import { PathMtus } from './path-mtu.ts'
import { Paths } from './paths.ts'
import { type Ping, Pings } from './pings.ts'
import { Reassembly } from './reassembly.ts'
import { Redirects } from './redirects.ts'
import { Routes } from './routes.ts'

/** What time brings about. */
export type Ipv4Out<T> =
  | { readonly kind: 'reassembly-timeout'; readonly datagram: Datagram }
  | { readonly kind: 'ping-timeout'; readonly ping: Ping<T> }
  | { readonly kind: 'igmp'; readonly message: IgmpOut }

/** Everything of the protocol that has state, with one deadline for all. */
export class Ipv4Core<T> implements Core<Ipv4Out<T>> {
  readonly addresses: Addresses
  readonly routes: Routes
  readonly redirects: Redirects
  readonly paths: Paths
  readonly pathMtus: PathMtus
  readonly reassembly: Reassembly
  readonly pings: Pings<T> = new Pings<T>()
  readonly igmp: Igmp

  /** Received fragments that are dropped are counted in `dropped`. */
  constructor(settings: Settings, random: Random, dropped: DropCounts) {
    this.addresses = new Addresses(settings.maxAddresses)
    this.routes = new Routes(settings)
    this.redirects = new Redirects(settings)
    this.paths = new Paths(this.addresses, this.routes, this.redirects)
    this.pathMtus = new PathMtus(settings)
    this.reassembly = new Reassembly(settings, dropped)
    this.igmp = new Igmp(random)
  }

  timeout(now: number): void {
    if (this.routes.deadline() <= now || this.redirects.deadline() <= now) this.paths.changed()
    this.routes.timeout(now)
    this.redirects.timeout(now)
    this.pathMtus.timeout(now)
    this.reassembly.timeout(now)
    this.pings.timeout(now)
    this.igmp.timeout(now)
  }

  poll(): Ipv4Out<T> | undefined {
    const datagram = this.reassembly.poll()
    if (datagram !== undefined) return { kind: 'reassembly-timeout', datagram }
    const ping = this.pings.poll()
    if (ping !== undefined) return { kind: 'ping-timeout', ping }
    const message = this.igmp.poll()
    return message === undefined ? undefined : { kind: 'igmp', message }
  }

  deadline(): number {
    return Math.min(
      this.routes.deadline(),
      this.redirects.deadline(),
      this.pathMtus.deadline(),
      this.reassembly.deadline(),
      this.pings.deadline(),
      this.igmp.deadline(),
    )
  }
}
