// Two stacks on a virtual switch, and a TCP echo between them over a bad network.
import { ip } from '@fata/addr'
import { systemRuntime } from '@fata/runtime'
import { createStack } from '@fata/stack'
import { createSwitch } from '@fata/vnetif'

export async function main(): Promise<void> {
  const runtime = systemRuntime()
  const lan = createSwitch(runtime)
  const alice = createStack(lan.port(), { ipv4: '10.0.0.1/24', ipv4Only: true }, runtime)
  const bob = createStack(lan.port(), { ipv4: '10.0.0.2/24', ipv4Only: true }, runtime)

  bob.tcp.listen({ port: 7 }, async (flow) => {
    for await (const chunk of flow) await flow.write(chunk)
    await flow.close()
  })

  // From here on every tenth frame is lost, and each takes 5 ms.
  lan.impair({ loss: 0.1, latencyMs: 5 })

  const flow = await alice.tcp.connect({ address: ip('10.0.0.2'), port: 7 })
  const started = runtime.clock.now()
  await flow.write(new Uint8Array(100_000))
  await flow.shutdown()
  let received = 0
  for await (const chunk of flow) received += chunk.length
  const { rttMs, retransmits } = flow.info()
  console.log(`${received} bytes came back in ${(runtime.clock.now() - started).toFixed(0)} ms`)
  console.log(`round trip ${rttMs.toFixed(1)} ms, ${retransmits} segments sent again`)

  await Promise.all([alice.close(), bob.close()])
}
