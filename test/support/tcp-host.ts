import { createHash, randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type Mac, mac } from '@fata/addr'
import { capture } from '@fata/pcap'
import { systemRuntime } from '@fata/runtime'
import { createStack, type DirectStack } from '@fata/stack'
import { openTap } from '@fata/tap'
import type { TcpFlow } from '@fata/tcp'
import { temporaryFolder } from './fata.ts'
import type { Netns } from './netns.ts'
import { faultsOf, tshark } from './tshark.ts'

/** Of the host under test; the kernel's end of the cable has another one. */
export const HOST_MAC: Mac = mac('02:00:00:00:00:0b')
export const ECHO_PORT = 7
/** Reads to the end and answers with the SHA-256 of what came, in hexadecimal. */
export const SINK_PORT = 9
/** Sends `TcpHost.data` and ends. */
export const SOURCE_PORT = 19

/** A host of both families in this process, on tap0 of a namespace. */
export interface TcpHost {
  readonly stack: DirectStack
  /** What the source sends. */
  readonly data: Uint8Array
  readonly digest: string
  /** The lines of tshark about packets so far that match a display filter; for a host without offload. */
  packets(filter: string): Promise<string[]>
  /** Closes everything and resolves with what tshark finds wrong with the packets that were sent. */
  close(): Promise<string>
}

export interface TcpHostOptions {
  /** Bytes of `TcpHost.data`. */
  readonly length: number
  readonly offload?: boolean
  readonly ipv4?: string
  readonly ipv6?: string
  /** The kernel's addresses on tap0, first IPv4, then IPv6; they are the gateways. */
  readonly kernel?: readonly [string, string]
}

/** Starts a host that offers the services above. It is recorded where it has no offload, so that every checksum is whole. */
export async function startTcpHost(netns: Netns, options: TcpHostOptions): Promise<TcpHost> {
  const { length, offload = false, ipv4 = '10.0.0.2/24', ipv6 = 'fd00::2/64' } = options
  const kernel = options.kernel ?? ['10.0.0.1/24', 'fd00::1/64']
  const [ipv4Gateway, ipv6Gateway] = kernel.map((prefix) => prefix.replace(/\/.*/, ''))
  const data = randomBytes(length)
  const runtime = systemRuntime()
  const folder = temporaryFolder()
  const file = join(folder.path, 'host.pcapng')
  const fd = openSync(file, 'w')
  const tap = openTap({ name: 'tap0', netns: netns.name, mac: HOST_MAC, hostAddresses: kernel, offload })
  const device = offload
    ? tap
    : capture(tap, { sink: (bytes) => void writeSync(fd, bytes), clock: runtime.clock }, { name: 'tap0' })
  const stack = createStack(device, { ipv4, ipv4Gateway, ipv6, ipv6Gateway }, runtime)
  await stack.ready
  stack.tcp.listen({ port: ECHO_PORT }, async (flow) => {
    for await (const chunk of flow) await flow.write(chunk)
    await flow.close()
  })
  stack.tcp.listen({ port: SINK_PORT }, async (flow) => {
    await flow.write(Buffer.from(await digestOf(flow)))
    await flow.close()
  })
  stack.tcp.listen({ port: SOURCE_PORT }, async (flow) => {
    await flow.write(data)
    await flow.close()
  })
  return {
    stack,
    data,
    digest: createHash('sha256').update(data).digest('hex'),
    packets: (filter) => tshark(file, filter),
    async close() {
      await stack.close()
      closeSync(fd)
      const faults = offload ? [] : await faultsOf(file, HOST_MAC)
      folder.remove()
      return faults.join('\n')
    },
  }
}

/** SHA-256 of a flow to its end, in hexadecimal. */
export async function digestOf(flow: TcpFlow): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of flow) hash.update(chunk)
  return hash.digest('hex')
}
