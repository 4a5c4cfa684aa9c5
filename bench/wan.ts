import { createVirtualRuntime } from '@fata/runtime'
import { createStack, type Stack } from '@fata/stack'
import { createSwitch, type Impairments } from '@fata/vnetif'

/** A long fat pipe: 100 Mbit/s, 100 ms there and back, a queue of one bandwidth-delay product. */
export const WAN = { bitsPerSecond: 100e6, rttMs: 100, queueBytes: 1_250_000 } as const

export const WAN_LOSSES = [0, 0.001, 0.01] as const

/** What headers and timestamps leave of a full frame. */
export const WAN_PAYLOAD_SHARE = 1448 / 1514

/** One direction of it, losing packets with probability `loss`. */
export function wanLink(loss: number): Impairments {
  return {
    bitsPerSecond: WAN.bitsPerSecond,
    latencyMs: WAN.rttMs / 2,
    queueBytes: WAN.queueBytes,
    queueFrames: Number.POSITIVE_INFINITY,
    loss,
  }
}

/** The other direction: acknowledgments only. */
export const WAY_BACK: Impairments = { ...wanLink(0), queueBytes: Number.POSITIVE_INFINITY }

/** Goodput of one flow of ours over it in bit/s, in virtual time: data that was delivered in `seconds`, the handshake included. */
export async function measureWan(loss: number, seconds: number, seed: number): Promise<number> {
  const runtime = createVirtualRuntime(seed)
  const lan = createSwitch(runtime)
  const make = (address: string): [Stack, ReturnType<typeof lan.port>] => {
    const port = lan.port()
    return [createStack(port, { ipv4: address, ipv4Only: true }, runtime), port]
  }
  const [[server], [client, out]] = [make('10.0.0.1/24'), make('10.0.0.2/24')]
  out.impair(wanLink(loss), 'tx')
  out.impair(WAY_BACK, 'rx')
  let received = 0
  server.tcp.listen({ port: 5001 }, async (flow) => {
    for (let chunk = await flow.read(); chunk !== null; chunk = await flow.read()) received += chunk.length
  })
  const flow = await runtime.clock.settle(client.tcp.connect({ address: server.addresses()[0]!.address, port: 5001 }))
  void (async () => {
    const chunk = new Uint8Array(64 * 1024)
    for (;;) await flow.write(chunk)
  })().catch(() => {})
  const end = runtime.clock.now() + seconds * 1000
  await runtime.clock.run(() => runtime.clock.now() >= end, end)
  await runtime.clock.settle(Promise.all([server.close(), client.close()]))
  return (received * 8) / seconds
}
