import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Mac, mac } from '@fata/addr'
import type { Arp, ArpConflict, ArpOptions } from '@fata/arp'
import type { Ipv4Layer, Ipv4Options } from '@fata/ipv4'
import { capture } from '@fata/pcap'
import { systemRuntime } from '@fata/runtime'
import { createStack, type DirectStack } from '@fata/stack'
import { openTap } from '@fata/tap'
import { temporaryFolder } from './fata.ts'
import type { Netns } from './netns.ts'
import { faultsOf, tshark } from './tshark.ts'

/** Of the host under test; the kernel's end of the cable has another one. */
export const HOST_MAC: Mac = mac('02:00:00:00:00:0a')
export const ECHO_PORT = 7

/** An IPv4 host in this process, on tap0 of a namespace, recorded from its first packet on. */
export interface Ipv4Host {
  readonly stack: DirectStack
  readonly arp: Arp
  readonly ipv4: Ipv4Layer
  readonly conflicts: readonly ArpConflict[]
  /** The lines of tshark about packets so far that match a display filter. */
  packets(filter: string): Promise<readonly string[]>
  /** Closes everything and resolves with what tshark finds wrong with the packets that were sent: nothing, one hopes. */
  close(): Promise<string>
}

export interface Ipv4HostOptions {
  readonly address?: string
  /** The kernel's addresses on tap0; the first is the gateway. */
  readonly kernel?: readonly string[]
  readonly ipv4?: Ipv4Options
  readonly arp?: ArpOptions
}

/** Starts a host that echoes on TCP and UDP port 7 and puts the largest datagrams together. */
export function startIpv4Host(netns: Netns, options: Ipv4HostOptions = {}): Ipv4Host {
  const { address = '10.0.0.2/24', kernel = ['10.0.0.1/24'], ipv4 = {}, arp = {} } = options
  const runtime = systemRuntime()
  const folder = temporaryFolder()
  const file = join(folder.path, 'host.pcapng')
  const fd = openSync(file, 'w')
  // Without offloads, so that every checksum in the capture is whole and can be judged.
  const tap = openTap({ name: 'tap0', netns: netns.name, mac: HOST_MAC, hostAddresses: kernel, offload: false })
  const device = capture(tap, { sink: (bytes) => void writeSync(fd, bytes), clock: runtime.clock }, { name: 'tap0' })
  const stack = createStack(
    device,
    { ipv4: address, ipv4Gateway: kernel[0]!.replace(/\/.*/, ''), ipv4Only: true },
    runtime,
    { arp, ipv4: { maxFragments: 64, ...ipv4 } },
  )
  const layers = stack.layers
  const conflicts: ArpConflict[] = []
  layers.arp!.onConflict((conflict) => conflicts.push(conflict))
  const socket = stack.udp.bind({ port: ECHO_PORT })
  socket.onMessage = (buf, off, end, { src, dst }) => socket.send(buf.subarray(off, end), src, { src: dst.address })
  stack.tcp.listen({ port: ECHO_PORT }, async (flow) => {
    for await (const chunk of flow) await flow.write(chunk)
    await flow.close()
  })
  return {
    stack,
    arp: layers.arp!,
    ipv4: layers.ipv4!,
    conflicts,
    packets: (filter) => tshark(file, filter),
    async close() {
      await stack.close()
      closeSync(fd)
      const faults = await faultsOf(file, HOST_MAC)
      folder.remove()
      return faults.join('\n')
    },
  }
}
