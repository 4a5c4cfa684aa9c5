// A cable between two network namespaces, whose way from the first to the second is a long fat pipe that loses packets.
// Usage: cable.ts LOSS NETNS NETNS
import { copyBytes } from '@fata/bytes'
import type { Net } from '@fata/net'
import { systemRuntime } from '@fata/runtime'
import { openTap } from '@fata/tap'
import { createSwitch, type Impairments } from '@fata/vnetif'
import { WAY_BACK, wanLink } from './wan.ts'

/** Carries every frame that one device receives out of the other. */
function join(from: Net, to: Net): void {
  from.listen({
    frame: (buf, off, end) => {
      to.write(end - off, (out, at) => copyBytes(out, at, buf, off, end))
    },
  })
}

const [loss, first, second] = process.argv.slice(2)
const lan = createSwitch(systemRuntime())

function plug(netns: string, address: string, link: Impairments): void {
  const tap = openTap({ name: 'tap0', netns, mtu: 1500, offload: false, hostAddresses: [address] })
  const port = lan.port()
  port.impair(link, 'tx')
  join(tap, port)
  join(port, tap)
}

plug(first!, '10.9.2.1/24', wanLink(Number(loss)))
plug(second!, '10.9.2.2/24', WAY_BACK)
console.log('ready')
