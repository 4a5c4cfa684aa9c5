import { type IpAddress, ip } from '@fata/addr'
import { hex } from '@fata/bytes'
import type { DropCounts } from '@fata/net'
import { createVirtualRuntime, randomBelow, seededRandom, type VirtualRuntime } from '@fata/runtime'
import { createStack, type DirectStack } from '@fata/stack'
import { handMade } from './corpus.ts'
import { Mutator } from './mutator.ts'
import { serve, talk } from './traffic.ts'
import { type Heard, Wire } from './wire.ts'

const QUIET_MS = 2 * 3_600_000
/** Frames between two things that the hosts begin to do, and such things under way. */
const FRAMES_PER_TALK = 32
const MOST_TALKS = 16

export interface FuzzOptions {
  readonly frames: number
  readonly seed: number
  /** Called now and then, between two frames. */
  readonly onProgress?: (done: number) => void
}

/** What a stack holds, and what its bounds are. */
export interface Holdings {
  readonly arpEntries: number
  readonly ipv6Neighbors: number
  readonly connections: number
}

export interface FuzzResult {
  /** After the frames, before the quiet time. */
  readonly holdings: Holdings
  /** What the first host's layers dropped, by reason. */
  readonly dropped: Readonly<Record<string, DropCounts>>
  /** Connections after the quiet time. */
  readonly leftConnections: number
  /** How a newcomer's pings of the stack ended, IPv4 and IPv6. */
  readonly pings: readonly string[]
}

/**
 * Two hosts talk while altered copies of what they say, and of messages of every kind, are thrown at both. Whatever throws, throws here,
 * with the seed. Afterwards it is quiet for two hours, and a newcomer asks the first host whether it is there.
 */
export async function fuzz({ frames, seed, onProgress }: FuzzOptions): Promise<FuzzResult> {
  const runtime = createVirtualRuntime(seed)
  const wire = new Wire(runtime.clock)
  const stations = [1, 2].map((n) => wire.station(`02:00:00:00:00:0${n}`))
  const [a, b] = stations.map(({ net }, i) => host(net, i + 1, runtime)) as [DirectStack, DirectStack]
  await runtime.clock.settle(Promise.all([a.ready, b.ready]))
  serve(a)
  serve(b)
  const crafted = handMade().map((frame): Heard => ({ frame, to: stations[0]! }))
  let talks = 0
  let bug: unknown
  const begin = (from: DirectStack, to: IpAddress): void => {
    if (talks >= MOST_TALKS) return
    talks++
    talk(from, to, runtime).then(
      () => talks--,
      (error: unknown) => (bug ??= error),
    )
  }

  const random = seededRandom(seed + 1)
  const mutator = new Mutator(random)
  const pick = (): Heard => {
    const from = randomBelow(random, 3) === 0 || wire.heard.length === 0 ? crafted : wire.heard
    return from[randomBelow(random, from.length)]!
  }
  for (let done = 0; done < frames; done++) {
    if (done % FRAMES_PER_TALK === 0) {
      const forth = randomBelow(random, 2) === 0
      begin(forth ? a : b, ADDRESSES[(forth ? 2 : 0) + randomBelow(random, 2)]!)
      await runtime.clock.run(() => false, runtime.clock.now() + randomBelow(random, 50))
      onProgress?.(done)
    }
    const { frame, to } = pick()
    const altered = mutator.mutate(frame, pick().frame)
    try {
      to.receive(altered)
      runtime.clock.advance(randomBelow(random, 4))
      if (bug !== undefined) throw bug
    } catch (cause) {
      throw new Error(`seed ${seed}, frame ${done}: ${hex(altered)}`, { cause })
    }
  }
  const holdings = holdingsOf(a)
  const { arp, ipv4, ipv6 } = a.layers
  const layers = { arp, ipv4, ipv6, udp: a.udp, tcp: a.tcp }
  const dropped = Object.fromEntries(Object.entries(layers).map(([name, layer]) => [name, layer!.stats.dropped]))
  await runtime.clock.run(() => false, runtime.clock.now() + QUIET_MS)
  const leftConnections = a.tcp.connections().length
  const pings = await askIfAlive(wire, runtime)
  await runtime.clock.settle(Promise.all([a.close(), b.close()]))
  return { holdings, dropped, leftConnections, pings }
}

/** Of the first host, then of the second. */
const ADDRESSES: readonly IpAddress[] = ['10.0.0.1', 'fd00::1', '10.0.0.2', 'fd00::2'].map(ip)

function host(net: Parameters<typeof createStack>[0], n: number, runtime: VirtualRuntime): DirectStack {
  return createStack(net, { ipv4: `10.0.0.${n}/24`, ipv6: `fd00::${n}/64` }, runtime)
}

function holdingsOf(stack: DirectStack): Holdings {
  return {
    arpEntries: stack.layers.arp!.entries().length,
    ipv6Neighbors: stack.layers.ipv6!.state().neighbors.length,
    connections: stack.tcp.connections().length,
  }
}

async function askIfAlive(wire: Wire, runtime: VirtualRuntime): Promise<string[]> {
  const newcomer = host(wire.station('02:00:00:00:00:03').net, 3, runtime)
  await runtime.clock.settle(newcomer.ready)
  const pings: string[] = []
  for (const address of ADDRESSES.slice(0, 2)) pings.push((await runtime.clock.settle(newcomer.ping(address))).kind)
  await runtime.clock.settle(newcomer.close())
  return pings
}
