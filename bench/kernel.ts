import { existsSync, mkdirSync } from 'node:fs'
import { addNetns, inside, removeNetns, run, startInside, stop } from './netns.ts'

const here = new URL('.', import.meta.url).pathname

/** One measurement of one path; bit rates in bit/s, latencies in microseconds, rates per second. */
export interface Figures {
  /** Into the peer: the kernel sends. */
  into?: number
  /** From the peer: the kernel receives. */
  from?: number
  /** 1-byte request and response: median and 99th percentile. */
  median?: number
  p99?: number
  /** Connect, 1 byte each way, reset. */
  connections?: number
}

/** Names of the paths. */
export const KERNEL = 'kernel over veth'
export const KERNEL_PLAIN = 'kernel over veth, no offload'
export const TAP = 'fata over TAP, offload'
export const TAP_PLAIN = 'fata over TAP, MTU 1500, no offload'

/** Where the measured peer is and how it is started. */
export interface Path {
  readonly name: string
  /** Runs `measure` with the namespace of the kernel's client and the peer's address. */
  with(pin: boolean, measure: (netns: string, address: string) => void | Promise<void>): Promise<void>
}

/** Compiles the kernel's side of the measurements; undefined where there is no compiler. */
export function buildKtcp(): string | undefined {
  const folder = `${here}build`
  const binary = `${folder}/ktcp`
  try {
    mkdirSync(folder, { recursive: true })
    run('cc', '-O2', '-o', binary, `${here}native/ktcp.c`)
  } catch {
    return existsSync(binary) ? binary : undefined
  }
  return binary
}

/** The kernel against itself over a veth pair: two namespaces. */
export function vethPath(ktcp: string, segmentation: boolean): Path {
  return {
    name: segmentation ? KERNEL : KERNEL_PLAIN,
    async with(pin, measure) {
      const [a, b] = [`fata-bench-a${process.pid}`, `fata-bench-b${process.pid}`]
      addNetns(a)
      addNetns(b)
      try {
        run('ip', '-n', a, 'link', 'add', 'veth0', 'type', 'veth', 'peer', 'name', 'veth0', 'netns', b)
        for (const [name, address] of [
          [a, '10.9.1.1/24'],
          [b, '10.9.1.2/24'],
        ] as const) {
          run('ip', '-n', name, 'addr', 'add', address, 'dev', 'veth0')
          run('ip', '-n', name, 'link', 'set', 'veth0', 'up')
          if (!segmentation)
            run(
              'ip',
              ...inside(name, false, 'ethtool', '-K', 'veth0', 'tso', 'off', 'gso', 'off', 'gro', 'off', 'tx', 'off'),
            )
        }
        const server = await startInside(b, pin, undefined, ktcp, 'serve')
        try {
          await waitFor(a, ktcp, '10.9.1.2')
          await measure(a, '10.9.1.2')
        } finally {
          await stop(server)
        }
      } finally {
        removeNetns(a)
        removeNetns(b)
      }
    },
  }
}

/** Our stack over a TAP, in a process of its own; the kernel of the namespace is its client. */
export function tapPath(ktcp: string, offload: boolean): Path {
  return {
    name: offload ? TAP : TAP_PLAIN,
    async with(pin, measure) {
      const name = `fata-bench-t${process.pid}`
      addNetns(name)
      try {
        const peer = await startInside(
          name,
          pin,
          'ready',
          'node',
          `${here}build/peer.js`,
          'tap0',
          '1500',
          offload ? 'offload' : 'plain',
        )
        try {
          await waitFor(name, ktcp, '10.9.0.2')
          await measure(name, '10.9.0.2')
        } finally {
          await stop(peer)
        }
      } finally {
        removeNetns(name)
      }
    },
  }
}

/** Waits until the peer answers. */
async function waitFor(netns: string, ktcp: string, address: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      run('ip', ...inside(netns, false, ktcp, 'pp', address, '0'))
      return
    } catch (error) {
      if (tries === 50) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

/** Measures one path once. Throughput runs unpinned, latency with both ends on one processor. */
export async function measureKernel(path: Path, ktcp: string, seconds: number): Promise<Figures> {
  const figures: Figures = {}
  const client = (netns: string, pin: boolean, mode: string, address: string): string =>
    run('ip', ...inside(netns, pin, ktcp, mode, address, String(seconds)))
  await path.with(false, (netns, address) => {
    figures.into = Number(client(netns, false, 'send', address))
    figures.from = Number(client(netns, false, 'recv', address))
  })
  await path.with(true, (netns, address) => {
    const [median, p99] = client(netns, true, 'pp', address).split(' ').map(Number)
    figures.median = median!
    figures.p99 = p99!
    figures.connections = Number(client(netns, true, 'crr', address))
  })
  return figures
}
