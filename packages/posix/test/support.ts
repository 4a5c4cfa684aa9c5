import { ip, ipv4Prefix } from '@fata/addr'
import { createIpv4 } from '@fata/ipv4'
import { createPointToPoint } from '@fata/link'
import type { Net } from '@fata/net'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createTcp, type TcpOptions } from '@fata/tcp'
import { createUdp } from '@fata/udp'
import { createPair } from '@fata/vnetif'
import { CONSTANTS as C, type Personality, Posix } from '../src/index.ts'

export const PORT = 80
export const ANY = { family: C.AF_INET, address: undefined, port: PORT }
export const SERVER = { family: C.AF_INET, address: ip('10.0.0.2'), port: PORT }

/** Two hosts and a cable, in virtual time. */
export class World {
  readonly runtime: VirtualRuntime = createVirtualRuntime()
  readonly client: Posix
  readonly server: Posix

  constructor(options: { tcp?: TcpOptions; personality?: Personality } = {}) {
    const cable = createPair(this.runtime)
    this.client = this.#host(cable.a, '10.0.0.1/24', options)
    this.server = this.#host(cable.b, '10.0.0.2/24', options)
  }

  #host(device: Net, address: string, { tcp, personality }: { tcp?: TcpOptions; personality?: Personality }): Posix {
    const layer = createIpv4({ link: createPointToPoint(device), ...this.runtime })
    layer.addAddress(ipv4Prefix(address))
    const deps = { ip: layer, ...this.runtime }
    return new Posix({ tcp: createTcp(deps, tcp), udp: createUdp(deps), ...this.runtime, personality })
  }

  /** Runs until the call returns. */
  until<T>(call: Promise<T>): Promise<T> {
    return this.runtime.clock.settle(call)
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const { clock } = this.runtime
    const end = clock.now() + ms
    await clock.run(() => false, end)
    if (clock.now() < end) clock.advance(end - clock.now())
  }

  /** A listening socket. */
  listen(backlog = 5): number {
    const fd = this.server.socket(C.AF_INET, C.SOCK_STREAM, C.IPPROTO_TCP)
    this.server.setsockopt(fd, C.SOL_SOCKET, C.SO_REUSEADDR, 1)
    this.server.bind(fd, ANY)
    this.server.listen(fd, backlog)
    return fd
  }

  /** A connection: the descriptors of both ends. */
  async connect(): Promise<{ near: number; far: number; listener: number }> {
    const listener = this.listen()
    const near = this.client.socket(C.AF_INET, C.SOCK_STREAM, 0)
    await this.until(this.client.connect(near, SERVER))
    const { fd } = await this.until(this.server.accept(listener))
    return { near, far: fd, listener }
  }
}

/** The errno name that a call fails with. */
export async function errorOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    return (error as { code?: string }).code
  }
}

export function bytes(n: number): Uint8Array {
  return Uint8Array.from({ length: n }, (_, i) => i & 255)
}
