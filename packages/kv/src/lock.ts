import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { KvError } from './key.ts'

export type Release = () => Promise<void>

/** What only one writer may have. */
export interface LockTarget {
  /** Of this and nothing else on the machine, say by device and inode. */
  readonly name: string
  /** Where lock files may be made; made itself when it is missing. */
  readonly directory: string
  /** How the names of lock files begin. */
  readonly prefix: string
}

/** Takes the place of the one writer, until released or the process ends. Rejects with KvError KV_LOCKED, KV_IO. */
export type Lock = (target: LockTarget) => Promise<Release>

/** On Linux a socket without a file, which the kernel releases however the process ends; elsewhere lock files. */
export const systemLock: Lock = (target) => (process.platform === 'linux' ? socketLock : fileLock)(target)

export const socketLock: Lock = ({ name }) => {
  const server = createServer((socket) => socket.destroy())
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new KvError(errno(cause) === 'EADDRINUSE' ? 'KV_LOCKED' : 'KV_IO', { cause }))
    })
    server.listen({ path: `\0${name}`, exclusive: true }, () => {
      resolve(() => new Promise((closed) => server.close(() => closed())))
    })
  })
}

/**
 * Every writer makes a file named by its process, and only then looks for others: of two that come at the same time, the
 * one that looks later sees the other. Both may be refused; never are both let in. Files of dead processes are removed.
 */
export const fileLock: Lock = async ({ directory, prefix }) => {
  const mine = `${prefix}-${process.pid}-${startOf(process.pid)}`
  const path = `${directory}/${mine}`
  mkdirSync(directory, { recursive: true })
  try {
    writeFileSync(path, '', { flag: 'wx' })
  } catch (cause) {
    throw new KvError(errno(cause) === 'EEXIST' ? 'KV_LOCKED' : 'KV_IO', { cause })
  }
  for (const name of readdirSync(directory)) {
    if (name === mine || !name.startsWith(`${prefix}-`)) continue
    const [, pid, start] = /^(\d+)-(\w+)$/.exec(name.slice(prefix.length + 1)) ?? []
    if (pid === undefined) continue
    const alive = startOf(Number(pid)) === start
    remove(alive ? path : `${directory}/${name}`)
    if (alive) throw new KvError('KV_LOCKED')
  }
  return async () => remove(path)
}

function remove(path: string): void {
  try {
    unlinkSync(path)
  } catch (cause) {
    if (errno(cause) !== 'ENOENT') throw new KvError('KV_IO', { cause })
  }
}

/** When the process started, so that a later one with its number is not taken for it; undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    // The 22nd field; the second one, in parentheses, may hold anything.
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat.slice(stat.lastIndexOf(')')).split(' ')[20]
  } catch {
    return startByPs(pid)
  }
}

function startByPs(pid: number): string | undefined {
  try {
    const options = { encoding: 'latin1', env: { ...process.env, LC_ALL: 'C' }, stdio: 'pipe' } as const
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], options).replace(/\W+/g, '') || undefined
  } catch {
    return undefined
  }
}

function errno(error: unknown): unknown {
  return (error as { code?: unknown } | undefined)?.code
}
