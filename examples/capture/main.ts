// Records what a device sends and receives, and reads the capture back. Written to a file, Wireshark opens it.
import { ip } from '@fata/addr'
import { capture, readPcap } from '@fata/pcap'
import { systemRuntime } from '@fata/runtime'
import { createStack } from '@fata/stack'
import { createSwitch } from '@fata/vnetif'

export async function main(): Promise<void> {
  const runtime = systemRuntime()
  const lan = createSwitch(runtime)
  const chunks: Uint8Array[] = []
  const recorded = capture(
    lan.port(),
    { sink: (bytes) => void chunks.push(bytes), clock: runtime.clock },
    { name: 'alice' },
  )
  const alice = createStack(recorded, { ipv4: '10.0.0.1/24', ipv4Only: true }, runtime)
  const bob = createStack(lan.port(), { ipv4: '10.0.0.2/24', ipv4Only: true }, runtime)

  await alice.ping(ip('10.0.0.2'))
  await Promise.all([alice.close(), bob.close()])

  const file = Buffer.concat(chunks)
  for (const packet of readPcap(file)) console.log(`${packet.direction} ${packet.length} bytes`)
}
