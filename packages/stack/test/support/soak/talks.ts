import type { IpAddress } from '@fata/addr'
import { randomBelow, seededRandom, type VirtualRuntime } from '@fata/runtime'
import type { DirectStack } from '@fata/stack'
import type { TcpFlow } from '@fata/tcp'
import { checkStream, sendStream } from '../stream.ts'

const ECHO_PORT = 7
const CLOSED_PORT = 8
/** Sends what it is asked for, "SEED LENGTH\n", and ends. */
const SOURCE_PORT = 19
const MINUTE = 60_000
/** A reset that is lost leaves the other end with a connection that nothing else would ever end. */
const KEEPALIVE = { idleMs: 5 * MINUTE, intervalMs: 20_000, probes: 6 }

/** What every host offers to the others. */
export function serve(stack: DirectStack): void {
  stack.tcp.listen({ port: ECHO_PORT, keepalive: KEEPALIVE }, async (flow) => {
    await ending(flow, async () => {
      for await (const chunk of flow) await flow.write(chunk)
    })
  })
  stack.tcp.listen({ port: SOURCE_PORT, keepalive: KEEPALIVE }, async (flow) => {
    await ending(flow, async () => {
      let asked = ''
      while (!asked.endsWith('\n')) asked += new TextDecoder().decode((await flow.read()) ?? Uint8Array.of(10))
      if (asked === '\n') return
      const [seed, length] = asked.split(' ').map(Number)
      await sendStream(flow, seed!, length!)
    })
  })
  const socket = stack.udp.bind({ port: ECHO_PORT })
  socket.onMessage = (buf, off, end, { src, dst }) => {
    try {
      socket.send(buf.subarray(off, end), src, { src: dst.address })
    } catch (error) {
      if (!isFailure(error)) throw error
    }
  }
}

/** Closes the flow after `use`; what the network did to it is its own affair. */
async function ending(flow: TcpFlow, use: () => Promise<void>): Promise<void> {
  try {
    await use()
    await flow.close()
  } catch (error) {
    if (!isFailure(error)) throw error
  } finally {
    flow.abort()
  }
}

/** Counts what has come of the talks. */
export interface Talks {
  connections: number
  bytes: number
  pings: number
  datagrams: number
  failures: number
}

/** One thing chosen at random that `stack` does with the host at `peer`. Whatever the network did to it is counted; else it rejects. */
export async function talk(stack: DirectStack, peer: IpAddress, runtime: VirtualRuntime, talks: Talks): Promise<void> {
  const { clock } = runtime
  const random = seededRandom(runtime.random.uint32())
  const below = (n: number): number => randomBelow(random, n)
  const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.schedule(clock.now() + ms, resolve))
  const seed = random.uint32()
  const length = 1 + below(below(8) === 0 ? 1_000_000 : 20_000)
  const connect = async (port: number, use: (flow: TcpFlow) => Promise<void>): Promise<void> => {
    const flow = await stack.tcp.connect({ address: peer, port }, { timeoutMs: MINUTE, keepalive: KEEPALIVE })
    talks.connections++
    await ending(flow, () => use(flow))
  }
  const count = (flow: TcpFlow, wanted: number): Promise<void> =>
    checkStream(flow, seed, wanted).then((bytes) => {
      if (bytes !== wanted) throw new Error(`seed ${seed}: ${bytes} bytes instead of ${wanted}`)
      talks.bytes += bytes
    })
  const ask = async (flow: TcpFlow): Promise<void> => flow.write(new TextEncoder().encode(`${seed} ${length}\n`))

  const acts: (() => Promise<void>)[] = [
    () =>
      connect(
        ECHO_PORT,
        async (flow) => void (await Promise.all([sendStream(flow, seed, length), count(flow, length)])),
      ),
    () =>
      connect(SOURCE_PORT, async (flow) => {
        await ask(flow)
        await count(flow, length)
      }),
    // Leaves in the middle, by a close or a reset, whatever is still to come.
    () =>
      connect(SOURCE_PORT, async (flow) => {
        await ask(flow)
        await flow.read()
        if (below(2) === 0) flow.abort()
      }),
    // Stays, says something now and then, and is silent for longer than it takes to be packed away.
    () =>
      connect(ECHO_PORT, async (flow) => {
        for (let turns = 1 + below(10); turns > 0; turns--) {
          await pause(below(10 * MINUTE))
          await flow.write(Uint8Array.of(turns))
          const answer = await flow.read()
          if (answer?.[0] !== turns) throw new Error(`seed ${seed}: echo of ${turns} is ${answer?.[0]}`)
        }
      }),
    // Reads so slowly that the window closes.
    () =>
      connect(SOURCE_PORT, async (flow) => {
        await ask(flow)
        await pause(below(2 * MINUTE))
        await count(flow, length)
      }),
    () => connect(CLOSED_PORT, async () => {}),
    async () => {
      const { kind } = await stack.ping(peer, { size: below(4000), timeoutMs: 5000 })
      if (kind === 'reply') talks.pings++
    },
    async () => {
      const socket = stack.udp.bind({ remote: { address: peer, port: ECHO_PORT } })
      const giveUp = new AbortController()
      const timer = clock.schedule(clock.now() + 5000, () => giveUp.abort())
      try {
        socket.send(new Uint8Array(below(4000)))
        await socket.receive({ signal: giveUp.signal })
        talks.datagrams++
      } finally {
        timer.cancel()
        await socket.close()
      }
    },
  ]
  try {
    await acts[below(acts.length)]!()
  } catch (error) {
    if (!isFailure(error)) throw error
    talks.failures++
  }
}

/** What the network can bring about, unlike a bug. */
function isFailure(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return (typeof code === 'string' && code.startsWith('ERR_')) || name === 'AbortError'
}
