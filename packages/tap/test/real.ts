import { execFileSync, type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { checksum, putU16, putU32, u32 } from '@fata/bytes'
import type { Net, NetListener } from '@fata/net'
import { afterEach, beforeAll, beforeEach } from 'vitest'
import { loadNative } from '../src/load.ts'

// Tests against the kernel: what they need, and a network namespace of their own for each.

const CAP_NET_ADMIN = 12
const CAP_SYS_ADMIN = 21

function hasCapability(bit: number): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))
  return ((BigInt(`0x${line?.[1] ?? '0'}`) >> BigInt(bit)) & 1n) === 1n
}

function missing(): string | undefined {
  if (process.platform !== 'linux') return `this is ${process.platform}`
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
  } catch {
    return '/dev/net/tun is missing or closed to this user'
  }
  if (!hasCapability(CAP_NET_ADMIN) || !hasCapability(CAP_SYS_ADMIN)) return 'CAP_NET_ADMIN or CAP_SYS_ADMIN is missing'
  if (spawnSync('ip', ['-V']).status !== 0) return '`ip` is missing'
  try {
    loadNative()
  } catch (error) {
    return (error as Error).message
  }
  return undefined
}

/** Says why `what` is skipped; with FATA_REQUIRE_ALL=1, as in CI, a reason to skip is a failure. */
export function skipped(what: string, reason: string | undefined): boolean {
  if (reason === undefined) return false
  if (process.env['FATA_REQUIRE_ALL'] === '1') throw new Error(`${what} must not be skipped: ${reason}`)
  console.warn(`skipped: ${what}: ${reason}`)
  return true
}

/** Whether tests of `what` must be skipped because this machine cannot open devices. */
export function cannotOpenDevices(what: string): boolean {
  return skipped(what, missing())
}

/** A network namespace of one test. */
export interface Namespace {
  readonly name: string
  /** Runs a command inside; throws where it fails. Returns what it printed. */
  run(command: string, ...args: string[]): string
  /** As `run`, without throwing. */
  attempt(command: string, ...args: string[]): SpawnSyncReturns<string>
  /** Starts a command inside; resolves with what it printed. Ended with the test. */
  start(command: string, ...args: string[]): Promise<string>
  /** What the test's end must do before the namespace goes. */
  defer(cleanup: () => unknown): void
}

let count = 0

/** Removes the namespaces of processes that were killed. */
function removeOrphans(): void {
  for (const [name, pid] of execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).matchAll(/^fata(\d+)-\S+/gm))
    if (!existsSync(`/proc/${pid}`)) spawnSync('ip', ['netns', 'delete', name])
}

/** Declares that every test of the surrounding `describe` runs with a namespace of its own. */
export function useNamespace(): Namespace {
  let name = ''
  let cleanups: (() => unknown)[] = []
  const inside = (command: string, args: string[]): [string, string[]] => [
    'ip',
    ['netns', 'exec', name, command, ...args],
  ]
  beforeAll(removeOrphans)
  beforeEach(() => {
    name = `fata${process.pid}-${++count}`
    cleanups = []
    execFileSync('ip', ['netns', 'add', name])
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up'])
  })
  afterEach(async () => {
    for (const cleanup of cleanups.reverse()) await cleanup()
    execFileSync('ip', ['netns', 'delete', name])
  })
  return {
    get name() {
      return name
    },
    run: (command, ...args) => execFileSync(...inside(command, args), { encoding: 'utf8', stdio: 'pipe' }),
    attempt: (command, ...args) => spawnSync(...inside(command, args), { encoding: 'utf8' }),
    start(command, ...args) {
      const child = spawn(...inside(command, args), { stdio: ['ignore', 'pipe', 'inherit'] })
      let output = ''
      child.stdout.on('data', (chunk) => (output += String(chunk)))
      const ended = new Promise<string>((resolve) => child.on('close', () => resolve(output)))
      cleanups.push(() => {
        child.kill()
        return ended
      })
      return ended
    },
    defer: (cleanup) => void cleanups.push(cleanup),
  }
}

/** Resolves when `condition` holds; fails after `ms`. For what the kernel does in its own time. */
export async function until(condition: () => boolean, what: string, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${ms} ms in vain: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** A listener that answers ICMP echo requests over IPv4, on Ethernet or bare. */
export function echo(net: Net): NetListener {
  return {
    frame: (buf, off, end) => {
      const at = net.medium === 'ethernet' ? 14 : 0
      const reply = buf.slice(off, end)
      if (reply[at] !== 0x45 || reply[at + 9] !== 1 || reply[at + 20] !== 8) return
      if (at > 0) reply.set([...reply.subarray(6, 12), ...reply.subarray(0, 6)])
      const [from, to] = [u32(reply, at + 12), u32(reply, at + 16)]
      putU32(reply, at + 12, to)
      putU32(reply, at + 16, from)
      reply[at + 20] = 0
      putU16(reply, at + 22, 0)
      putU16(reply, at + 22, checksum(reply, at + 20, reply.length))
      write(net, reply)
    },
  }
}

/** Writes a frame. */
export function write(net: Net, frame: Uint8Array): void {
  net.write(frame.length, (buf, off) => {
    buf.set(frame, off)
    return frame.length
  })
}
