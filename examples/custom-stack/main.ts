// A stack of one's own: UDP over IPv6 and nothing else, put together from single layers.
import { formatEndpoint } from '@fata/addr'
import { createEthernet } from '@fata/ethernet'
import { createIpv6 } from '@fata/ipv6'
import type { Net } from '@fata/net'
import { systemRuntime } from '@fata/runtime'
import { createUdp } from '@fata/udp'
import { createSwitch } from '@fata/vnetif'

const runtime = systemRuntime()

async function udpOverIpv6(device: Net) {
  const ip = createIpv6({ link: createEthernet(device), ...runtime })
  const udp = createUdp({ ip, ...runtime })
  await ip.ready
  return {
    udp,
    address: ip.addresses()[0]!.address,
    async close() {
      await udp.close()
      ip.close()
      await device.close()
    },
  }
}

export async function main(): Promise<void> {
  const lan = createSwitch(runtime)
  const [sensor, collector] = await Promise.all([udpOverIpv6(lan.port()), udpOverIpv6(lan.port())])

  const readings = collector.udp.bind({ port: 5683 })
  sensor.udp.bind().send(new TextEncoder().encode('21.5'), { address: collector.address, port: 5683 })

  const { data, src } = await readings.receive()
  console.log(`${new TextDecoder().decode(data)} from ${formatEndpoint(src).replace(/:\d+$/, '')}`)

  await Promise.all([sensor.close(), collector.close()])
}
