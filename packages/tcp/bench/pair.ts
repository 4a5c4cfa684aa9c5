// Two TCPs in one thread over memory: what the code itself costs, both ends together. Run by `node`, after bundling with the
// condition @fata/source; prints one line per case.
import { NO_OFFLOAD, type Offload } from '@fata/net'
import { systemRuntime } from '@fata/runtime'
import { createTcp, type TcpFlow } from '../src/index.ts'
import { MemoryIp } from './memory-ip.ts'

interface Case {
  readonly name: string
  readonly mtu: number
  readonly offload: Offload
  readonly batch: number
  readonly borrow: boolean
}

const FULL: Offload = { checksum: true, tso4: true, tso6: true }
const CHECKSUM: Offload = { checksum: true, tso4: false, tso6: false }
const CASES: readonly Case[] = [
  { name: '1500 B, checksums', mtu: 1480, offload: NO_OFFLOAD, batch: 64, borrow: true },
  { name: '1500 B, no checksums', mtu: 1480, offload: CHECKSUM, batch: 64, borrow: true },
  { name: '1500 B, no checksums, owned', mtu: 1480, offload: CHECKSUM, batch: 64, borrow: false },
  { name: '64 KB, borrowed', mtu: 1480, offload: FULL, batch: 8, borrow: true },
  { name: '64 KB, owned', mtu: 1480, offload: FULL, batch: 8, borrow: false },
]

const SECONDS = Number(process.argv[2] ?? 1)

async function connect(
  c: Case,
): Promise<{ client: TcpFlow; server: TcpFlow; packets: () => number; end: () => Promise<void> }> {
  const runtime = systemRuntime()
  const a = new MemoryIp('10.0.0.1/24', c.mtu, c.offload, runtime.clock, c.batch)
  const b = new MemoryIp('10.0.0.2/24', c.mtu, c.offload, runtime.clock, c.batch)
  a.peer = b
  b.peer = a
  const left = createTcp({ ip: a, ...runtime })
  const right = createTcp({ ip: b, ...runtime })
  const accepted = right.listen({ port: 1 }).accept()
  const client = await left.connect({ address: b.address, port: 1 })
  const server = await accepted
  return {
    client,
    server,
    packets: () => a.packets + b.packets,
    end: async () => {
      await left.close()
      await right.close()
    },
  }
}

async function bulk(c: Case): Promise<void> {
  const { client, server, packets, end } = await connect(c)
  const chunk = new Uint8Array(64 * 1024)
  let stop = false
  let received = 0
  const reading = (async () => {
    for (let got = await server.read(c); got !== null; got = await server.read(c)) received += got.length
  })()
  const writing = (async () => {
    while (!stop) await client.write(chunk)
    await client.shutdown()
  })()
  await new Promise((resolve) => setTimeout(resolve, 300))
  const before = { received, packets: packets(), at: performance.now() }
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000))
  const seconds = (performance.now() - before.at) / 1000
  const bytes = received - before.received
  const n = packets() - before.packets
  stop = true
  await Promise.all([reading, writing])
  const rate = `${((bytes * 8) / seconds / 1e9).toFixed(2)} Gbit/s`.padStart(14)
  console.log(`${c.name.padEnd(30)}${rate}${`${(n / seconds / 1e3).toFixed(0)} k packets/s`.padStart(20)}`)
  if (process.argv[3] === '-v') console.log(client.info())
  await end()
}

async function pingPong(c: Case): Promise<void> {
  const { client, server, packets, end } = await connect(c)
  const echo = (async () => {
    for (let got = await server.read({ borrow: true }); got !== null; got = await server.read({ borrow: true }))
      await server.write(got.slice())
  })()
  const one = Uint8Array.of(1)
  const until = performance.now() + SECONDS * 1000
  let rounds = 0
  const began = performance.now()
  for (; performance.now() < until; rounds++) {
    await client.write(one.slice())
    await client.read({ borrow: true })
  }
  const us = ((performance.now() - began) * 1000) / rounds
  console.log(
    `${'ping-pong, 1 byte'.padEnd(30)}${`${us.toFixed(1)} us`.padStart(14)}${`${(packets() / rounds).toFixed(2)} packets each`.padStart(20)}`,
  )
  await client.shutdown()
  await echo
  await end()
}

for (const c of CASES) await bulk(c)
await pingPong(CASES[0]!)
