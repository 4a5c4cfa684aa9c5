// TCP over a device made of two functions: packets in, packets out, no Ethernet. So a tunnel or an emulator is connected.
import { ip } from '@fata/addr'
import { createCallbackNet } from '@fata/net'
import { systemRuntime } from '@fata/runtime'
import { createStack } from '@fata/stack'

const runtime = systemRuntime()

export async function main(): Promise<void> {
  // What would go through a VPN or a serial line goes through a copy and a later call here.
  const left = createCallbackNet({
    medium: 'ip',
    mtu: 1280,
    send: (buf, off, end) => carry(right.receive, buf, off, end),
  })
  const right = createCallbackNet({
    medium: 'ip',
    mtu: 1280,
    send: (buf, off, end) => carry(left.receive, buf, off, end),
  })
  let packets = 0
  function carry(receive: (packet: Uint8Array) => void, buf: Uint8Array, off: number, end: number): void {
    packets++
    const packet = buf.slice(off, end)
    runtime.clock.defer(() => receive(packet))
  }

  const client = createStack(left.net, { ipv4: '192.0.2.1/32', ipv4Only: true }, runtime)
  const server = createStack(right.net, { ipv4: '192.0.2.2/32', ipv4Only: true }, runtime)
  server.tcp.listen({ port: 13 }, async (flow) => {
    await flow.write(new TextEncoder().encode(`${new Date().toISOString()}\n`))
    await flow.close()
  })

  const flow = await client.tcp.connect({ address: ip('192.0.2.2'), port: 13 })
  let text = ''
  for await (const chunk of flow) text += new TextDecoder().decode(chunk)
  await flow.close()
  console.log(`the time is ${text.trim()}, told in ${packets} packets`)

  await Promise.all([client.close(), server.close()])
}
