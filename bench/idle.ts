import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createVirtualRuntime, type VirtualRuntime } from '@fata/runtime'
import { createStack, type Stack } from '@fata/stack'
import type { TcpConnectOptions, TcpFlow } from '@fata/tcp'
import { createSwitch } from '@fata/vnetif'

/** What connections cost that nothing happens on. */
export interface IdleFigures {
  /** Bytes that each end of a connection holds, its flow and its entries in tables included. */
  readonly bytesPerEnd: number
  /** CPU time of a 1-byte request and response on other connections, against that without the idle ones. */
  readonly slowdown: number
}

const IDLE_PORT = 5000
const ECHO_PORT = 4000
/** Connections of one client to one port; there are about 28,000 ephemeral ports. */
const PER_PORT = 20_000
const AT_ONCE = 500
const ACTIVE = 10
const ROUNDS = 30_000
/** As long as it takes until a silent connection is packed away. */
const SILENCE_MS = 60_000

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

function heldBytes(): number {
  collectGarbage()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** Two stacks over a switch, and what they have in common. */
class Pair {
  readonly runtime: VirtualRuntime = createVirtualRuntime(1)
  readonly flows: TcpFlow[] = []
  readonly #server: Stack
  readonly #client: Stack

  constructor(ports: number) {
    const lan = createSwitch(this.runtime)
    const make = (ipv4: string): Stack =>
      createStack(lan.port(), { ipv4, ipv4Only: true }, this.runtime, { tcp: { maxConnections: 1 << 20 } })
    this.#server = make('10.0.0.1/24')
    this.#client = make('10.0.0.2/24')
    for (let i = 0; i < ports; i++)
      this.#server.tcp.listen({ port: IDLE_PORT + i, backlog: AT_ONCE }, (flow) => void this.flows.push(flow))
    this.#server.tcp.listen({ port: ECHO_PORT, noDelay: true }, echo)
  }

  /** Opens `n` connections to a port. */
  async open(port: number, n: number, options: TcpConnectOptions = {}): Promise<TcpFlow[]> {
    const { address } = this.#server.addresses()[0]!
    const opened: TcpFlow[] = []
    // Five hundred a second: they gather, they do not all come at once.
    while (opened.length < n) {
      const wanted = Math.min(AT_ONCE, n - opened.length)
      const calls = Array.from({ length: wanted }, () => this.#client.tcp.connect({ address, port }, options))
      opened.push(...(await this.runtime.clock.settle(Promise.all(calls))))
      await this.wait(1000)
    }
    return opened
  }

  async wait(ms: number): Promise<void> {
    const { clock } = this.runtime
    const end = clock.now() + ms
    await clock.run(() => clock.now() >= end, end)
  }

  /** Microseconds of CPU time for a request and response, over `ACTIVE` connections in turn. */
  async roundTripCost(): Promise<number> {
    const clients = await this.open(ECHO_PORT, ACTIVE, { noDelay: true })
    const byte = new Uint8Array(1)
    const run = async (rounds: number): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const flow = clients[i % ACTIVE]!
        await flow.write(byte)
        await flow.read()
      }
    }
    await this.runtime.clock.settle(run(ROUNDS / 10))
    const begin = process.cpuUsage()
    await this.runtime.clock.settle(run(ROUNDS))
    const { user, system } = process.cpuUsage(begin)
    return (user + system) / ROUNDS
  }

  async close(): Promise<void> {
    await this.runtime.clock.settle(Promise.all([this.#client.close(), this.#server.close()]))
  }
}

async function echo(flow: TcpFlow): Promise<void> {
  for (let bytes = await flow.read(); bytes !== null; bytes = await flow.read()) await flow.write(bytes)
}

/** Measures `n` idle connections, both of whose ends are in this process. */
export async function measureIdle(n: number): Promise<IdleFigures> {
  const few = new Pair(0)
  const costAlone = await few.roundTripCost()
  await few.close()
  const ports = Math.ceil(n / PER_PORT)
  const many = new Pair(ports)
  await many.open(ECHO_PORT, 1)
  const before = heldBytes()
  for (let i = 0; i < ports; i++)
    many.flows.push(...(await many.open(IDLE_PORT + i, Math.min(PER_PORT, n - i * PER_PORT))))
  await many.wait(SILENCE_MS)
  const bytesPerEnd = (heldBytes() - before) / (2 * n)
  const slowdown = (await many.roundTripCost()) / costAlone
  await many.close()
  return { bytesPerEnd, slowdown }
}
