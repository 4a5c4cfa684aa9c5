import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Mac, mac } from '@fata/addr'
import { createEthernet } from '@fata/ethernet'
import { createIpv6, type Ipv6Event, type Ipv6Layer, type Ipv6Options } from '@fata/ipv6'
import { capture } from '@fata/pcap'
import { systemRuntime } from '@fata/runtime'
import { openTap } from '@fata/tap'
import { createTcp, type Tcp } from '@fata/tcp'
import { createUdp, type Udp } from '@fata/udp'
import { temporaryFolder } from './fata.ts'
import type { Netns } from './netns.ts'
import { faultsOf } from './tshark.ts'

/** Of the host under test; the kernel's end of the cable has another one. */
export const HOST_MAC: Mac = mac('02:00:00:00:00:0a')

/** An IPv6 host in this process, on tap0 of a namespace, recorded from its first packet on. */
export interface Ipv6Host {
  readonly layer: Ipv6Layer
  readonly udp: Udp
  readonly tcp: Tcp
  /** What has happened since the start. */
  readonly events: Ipv6Event[]
  /** Resolves with the first event, past or to come, for which `matches` holds. */
  event(matches: (event: Ipv6Event) => boolean): Promise<Ipv6Event>
  /** Closes everything and resolves with what tshark finds wrong with the packets that were sent: nothing, one hopes. */
  close(): Promise<string>
}

export interface Ipv6HostOptions extends Ipv6Options {
  /** Addresses of the kernel on tap0. */
  readonly kernel?: readonly string[]
  readonly device?: string
  readonly linkMtu?: number
}

const LISTEN_PORT = 7

/** Starts a host that echoes on TCP and UDP port 7. */
export function startIpv6Host(netns: Netns, options: Ipv6HostOptions = {}): Ipv6Host {
  const { kernel = ['fd00::1/64'], device: name = 'tap0', linkMtu, ...ipv6Options } = options
  const runtime = systemRuntime()
  const folder = temporaryFolder()
  const file = join(folder.path, 'host.pcapng')
  const fd = openSync(file, 'w')
  // Without offloads, so that every checksum in the capture is whole and can be judged.
  const tap = openTap({
    ...{ name, netns: netns.name, mac: HOST_MAC, hostAddresses: kernel, offload: false },
    ...(linkMtu === undefined ? {} : { mtu: linkMtu }),
  })
  const device = capture(tap, { sink: (bytes) => void writeSync(fd, bytes), clock: runtime.clock }, { name })
  const layer = createIpv6({ ...runtime, link: createEthernet(device) }, { zone: name, ...ipv6Options })
  const events: Ipv6Event[] = []
  const waiting = new Set<() => void>()
  layer.onEvent((event) => {
    events.push(event)
    for (const check of [...waiting]) check()
  })
  const udp = createUdp({ ip: layer, ...runtime })
  const tcp = createTcp({ ip: layer, ...runtime })
  const socket = udp.bind({ port: LISTEN_PORT })
  socket.onMessage = (buf, off, end, { src }) => socket.send(buf.subarray(off, end), src)
  void echoFlows(tcp.listen({ port: LISTEN_PORT }))

  return {
    layer,
    udp,
    tcp,
    events,
    event: (matches) =>
      new Promise((resolve) => {
        const check = (): void => {
          const found = events.find(matches)
          if (found === undefined) return
          waiting.delete(check)
          resolve(found)
        }
        waiting.add(check)
        check()
      }),
    async close() {
      await tcp.close()
      await udp.close()
      layer.close()
      await device.close()
      closeSync(fd)
      const faults = (await faultsOf(file, HOST_MAC)).join('\n')
      folder.remove()
      return faults
    },
  }
}

async function echoFlows(listener: ReturnType<Tcp['listen']>): Promise<void> {
  for await (const flow of listener) void echoFlow(flow).catch(() => {})
}

async function echoFlow(flow: Awaited<ReturnType<Tcp['connect']>>): Promise<void> {
  for await (const chunk of flow) await flow.write(chunk)
  await flow.close()
}
