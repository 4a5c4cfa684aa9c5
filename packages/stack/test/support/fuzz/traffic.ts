import { type IpAddress, ip } from '@fata/addr'
import { randomBelow, type VirtualRuntime } from '@fata/runtime'
import type { DirectStack } from '@fata/stack'

export const ECHO_PORT = 7
const GROUPS: readonly IpAddress[] = [ip('239.1.2.3'), ip('ff15::7')]
const GIVE_UP_MS = 5_000

/** What `stack` offers to others: echo over TCP and UDP, and groups that it is in. */
export function serve(stack: DirectStack): void {
  stack.tcp.listen({ port: ECHO_PORT }, async (flow) => {
    for await (const chunk of flow) await flow.write(chunk)
    await flow.close()
  })
  const echo = stack.udp.bind({ port: ECHO_PORT })
  echo.onMessage = (buf, off, end, { src, dst, multicast }) => {
    // An echo of an echo would never end. Whoever else asks may be nobody who can be answered.
    if (!multicast && src.port > ECHO_PORT) quietly(() => echo.send(buf.subarray(off, end), src, { src: dst.address }))
  }
  for (const group of GROUPS) echo.join(group)
}

/** Does one thing, chosen at random, that makes `stack` talk with the host at `peer`; it ends soon, however it ends. */
export async function talk(stack: DirectStack, peer: IpAddress, { clock, random }: VirtualRuntime): Promise<void> {
  const data = new Uint8Array(1 + randomBelow(random, randomBelow(random, 4) === 0 ? 20_000 : 1400))
  const giveUp = new AbortController()
  const timer = clock.schedule(clock.now() + GIVE_UP_MS, () => giveUp.abort())
  const acts = [
    () => stack.ping(peer, { size: data.length, timeoutMs: GIVE_UP_MS }),
    () => datagram(stack, peer, data),
    () => joinAndLeave(stack, GROUPS[randomBelow(random, GROUPS.length)]!),
    () => stream(stack, peer, data, giveUp.signal),
  ]
  try {
    await acts[randomBelow(random, acts.length)]!()
  } catch (error) {
    if (!isFailure(error)) throw error
  } finally {
    timer.cancel()
  }
}

async function stream(stack: DirectStack, peer: IpAddress, data: Uint8Array, signal: AbortSignal): Promise<void> {
  const flow = await stack.tcp.connect({ address: peer, port: ECHO_PORT }, { signal })
  const abort = (): void => flow.abort()
  signal.addEventListener('abort', abort)
  try {
    await flow.write(data)
    await flow.shutdown()
    for await (const _ of flow);
    await flow.close()
  } finally {
    flow.abort()
    signal.removeEventListener('abort', abort)
  }
}

async function datagram(stack: DirectStack, peer: IpAddress, data: Uint8Array): Promise<void> {
  const socket = stack.udp.bind()
  try {
    socket.send(data, { address: peer, port: ECHO_PORT })
  } finally {
    await socket.close()
  }
}

async function joinAndLeave(stack: DirectStack, group: IpAddress): Promise<void> {
  const socket = stack.udp.bind()
  socket.join(group)
  await socket.close()
}

function quietly(act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!isFailure(error)) throw error
  }
}

/** What the network can bring about, unlike a bug. */
function isFailure(error: unknown): boolean {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return (typeof code === 'string' && code.startsWith('ERR_')) || name === 'AbortError'
}
