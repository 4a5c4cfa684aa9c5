import { systemRuntime } from '@fata/runtime'
import { createStack, type Stack } from '@fata/stack'
import { createSwitch } from '@fata/vnetif'
import type { Figures } from './kernel.ts'
import { median } from './table.ts'

/** A path between two stacks of ours in this process. */
export interface SwitchPath {
  readonly name: string
  readonly mtu: number
  readonly offload: boolean
}

export const SWITCH = 'fata to fata over vnetif, offload'
export const SWITCH_PLAIN = 'fata to fata over vnetif, MTU 1500, no offload'

export const switchPaths: readonly SwitchPath[] = [
  { name: SWITCH, mtu: 1500, offload: true },
  { name: SWITCH_PLAIN, mtu: 1500, offload: false },
]

/** The reader looks at what it gets and is done with it, as most do. */
const BORROW = { borrow: true } as const
const CHUNK = new Uint8Array(256 * 1024)

/** Measures one path once: bulk in one direction (`into`), then a 1-byte ping-pong. */
export async function measureSwitch(path: SwitchPath, seconds: number): Promise<Figures> {
  const runtime = systemRuntime()
  const lan = createSwitch(runtime)
  const make = (address: string): Stack =>
    createStack(lan.port({ mtu: path.mtu, offload: path.offload }), { ipv4: address, ipv4Only: true }, runtime)
  const [server, client] = [make('10.0.0.1/24'), make('10.0.0.2/24')]
  try {
    return { into: await bulk(server, client, seconds), ...(await pingPong(server, client, seconds)) }
  } finally {
    await Promise.all([server.close(), client.close()])
    await lan.close()
  }
}

async function bulk(server: Stack, client: Stack, seconds: number): Promise<number> {
  const listener = server.tcp.listen({ port: 5001 })
  const flow = await client.tcp.connect({ address: server.addresses()[0]!.address, port: 5001 })
  const sink = await listener.accept()
  let received = 0
  const reading = (async () => {
    for (let chunk = await sink.read(BORROW); chunk !== null; chunk = await sink.read(BORROW)) received += chunk.length
  })()
  const begin = performance.now()
  const end = begin + seconds * 1000
  while (performance.now() < end) await flow.write(CHUNK)
  await flow.close()
  await reading
  return (received * 8000) / (performance.now() - begin)
}

async function pingPong(server: Stack, client: Stack, seconds: number): Promise<Pick<Figures, 'median' | 'p99'>> {
  const listener = server.tcp.listen({ port: 5003, noDelay: true })
  const address = server.addresses()[0]!.address
  const flow = await client.tcp.connect({ address, port: 5003 }, { noDelay: true })
  const peer = await listener.accept()
  const echoing = (async () => {
    for (let chunk = await peer.read(); chunk !== null; chunk = await peer.read()) await peer.write(chunk)
  })()
  const samples: number[] = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const sent = performance.now()
    await flow.write(new Uint8Array(1))
    await flow.read()
    samples.push((performance.now() - sent) * 1000)
  }
  flow.abort()
  await echoing.catch(() => {})
  samples.sort((a, b) => a - b)
  return { median: median(samples), p99: samples[Math.floor(samples.length * 0.99)]! }
}
