import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Says why the tests of `what` are skipped; with FATA_REQUIRE_ALL=1, as in CI, that is a failure. */
export function cannotRun(what: string, ...commands: string[]): boolean {
  const missing = ['etcd', ...commands].filter((command) => !installed(command))
  if (missing.length === 0) return false
  const reason = `${missing.join(' and ')} not installed`
  if (process.env['FATA_REQUIRE_ALL'] === '1') throw new Error(`${what} must not be skipped: ${reason}`)
  console.warn(`skipped: ${what}: ${reason}`)
  return true
}

function installed(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

export interface Member {
  readonly url: string
  start(): Promise<void>
  /** Resolves when the process has ended. */
  kill(): Promise<void>
  /** SIGSTOP and SIGCONT. */
  freeze(): void
  thaw(): void
}

export interface Cluster {
  readonly members: readonly Member[]
  readonly urls: string[]
  /** The member that leads; waits for an election. */
  leader(): Promise<Member>
  stop(): Promise<void>
}

export interface ClusterOptions {
  readonly size?: number
  /** Arguments for every member. */
  readonly args?: readonly string[]
  readonly scheme?: 'http' | 'https'
  /** The platform's, or one that knows the certificates. */
  readonly fetch?: (url: string, init: object) => Promise<{ json(): Promise<unknown> }>
}

/** Members on loopback ports that were free, with their data in memory where that can be. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { size = 1, args = [], scheme = 'http' } = options
  const ask = options.fetch ?? fetch
  const directory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'kv-etcd-'))
  const ports = await freePorts(2 * size)
  const names = Array.from({ length: size }, (_, i) => `m${i}`)
  const peerOf = (i: number) => `http://127.0.0.1:${ports[size + i]}`
  const initial = names.map((name, i) => `${name}=${peerOf(i)}`).join()
  const members = names.map((name, i) => {
    const url = `${scheme}://127.0.0.1:${ports[i]}`
    return member(url, [
      ...['--name', name, '--data-dir', join(directory, name), '--logger', 'zap', '--log-level', 'error'],
      ...['--listen-client-urls', url, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peerOf(i), '--initial-advertise-peer-urls', peerOf(i)],
      ...['--initial-cluster', initial, '--initial-cluster-token', directory, ...args],
    ])
  })
  const status = async (url: string) => {
    const init = { method: 'POST', body: '{}', signal: AbortSignal.timeout(1000) }
    return (await (await ask(`${url}/v3/maintenance/status`, init)).json()) as Status
  }
  const leader = async (): Promise<Member> => {
    for (const end = Date.now() + 30_000; Date.now() < end; await wait(50)) {
      for (const each of members) {
        const { header, leader } = await status(each.url).catch((): Status => ({}))
        if (leader !== undefined && header?.member_id === leader) return each
      }
    }
    throw new Error('the cluster has no leader')
  }
  const stop = async (): Promise<void> => {
    await Promise.all(members.map((each) => each.kill()))
    rmSync(directory, { recursive: true, force: true })
  }
  await Promise.all(members.map((each) => each.start()))
  await leader().catch(async (error) => {
    await stop()
    throw error
  })
  return { members, urls: members.map(({ url }) => url), leader, stop }
}

interface Status {
  readonly header?: { readonly member_id?: string }
  readonly leader?: string
}

function member(url: string, args: readonly string[]): Member {
  let running: ChildProcess | undefined
  return {
    url,
    async start() {
      running = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'ignore'] })
      await once(running, 'spawn')
    },
    async kill() {
      if (!running || running.exitCode !== null || running.signalCode !== null) return
      const exit = once(running, 'exit')
      running.kill('SIGKILL')
      await exit
    },
    freeze: () => void running?.kill('SIGSTOP'),
    thaw: () => void running?.kill('SIGCONT'),
  }
}

/** All held at one time, so that they differ. */
export async function freePorts(n: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: n }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
