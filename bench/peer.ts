// A stack of ours with a sink on 5001, a source on 5002 and an echo on 5003, over a TAP of this network namespace.
// Usage: peer.ts NAME MTU offload|plain
import type { Flow } from '@fata/flow'
import { createStack } from '@fata/stack'
import { openTap } from '@fata/tap'
import type { TcpFlow } from '@fata/tcp'

const [name = 'tap0', mtu = '1500', offload = 'offload'] = process.argv.slice(2)
const chunk = new Uint8Array(256 * 1024)

async function sink(flow: TcpFlow): Promise<void> {
  while ((await flow.read({ borrow: true })) !== null);
  await flow.close()
}

async function source(flow: Flow): Promise<void> {
  for (;;) await flow.write(chunk)
}

async function echo(flow: Flow): Promise<void> {
  for (let bytes = await flow.read(); bytes !== null; bytes = await flow.read()) await flow.write(bytes)
  await flow.close()
}

const device = openTap({
  name,
  mtu: Number(mtu),
  offload: offload === 'offload',
  hostAddresses: ['10.9.0.1/24'],
})
const stack = createStack(device, { ipv4: '10.9.0.2/24', ipv4Only: true })
await stack.ready

const services = [
  [5001, sink],
  [5002, source],
  [5003, echo],
] as const
for (const [port, serve] of services) stack.tcp.listen({ port, noDelay: true }, serve)
console.log('ready')
process.on('SIGTERM', () => void stack.close().then(() => device.close()))
