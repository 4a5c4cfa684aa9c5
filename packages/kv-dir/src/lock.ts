import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { KvError } from '@fata/kv'
import { errno } from './errors.ts'
import type { DirStat } from './fs.ts'

export type Release = () => Promise<void>

/** Takes the place of the one writer of a directory, until released or the process ends. Rejects with KvError KV_LOCKED. */
export type Lock = (ownDirectory: string, root: DirStat) => Promise<Release>

/** On Linux a socket without a file, which the kernel releases however the process ends; elsewhere lock files. */
export const systemLock: Lock = (ownDirectory, root) =>
  (process.platform === 'linux' ? socketLock : fileLock)(ownDirectory, root)

export const socketLock: Lock = (_, root) => {
  const server = createServer((socket) => socket.destroy())
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new KvError(errno(cause) === 'EADDRINUSE' ? 'KV_LOCKED' : 'KV_IO', { cause }))
    })
    server.listen({ path: `\0kv-dir:${root.device}:${root.inode}`, exclusive: true }, () => {
      resolve(() => new Promise((closed) => server.close(() => closed())))
    })
  })
}

const LOCK_FILE = /^lock-(\d+)-(\w+)$/

/**
 * Every writer makes a file named by its process, and only then looks for others: of two that come at the same time, the
 * one that looks later sees the other. Both may be refused; never are both let in. Files of dead processes are removed.
 */
export const fileLock: Lock = async (ownDirectory) => {
  const mine = `lock-${process.pid}-${startOf(process.pid)}`
  const path = `${ownDirectory}/${mine}`
  mkdirSync(ownDirectory, { recursive: true })
  try {
    writeFileSync(path, '', { flag: 'wx' })
  } catch (cause) {
    throw new KvError(errno(cause) === 'EEXIST' ? 'KV_LOCKED' : 'KV_IO', { cause })
  }
  for (const name of readdirSync(ownDirectory)) {
    const [, pid, start] = LOCK_FILE.exec(name) ?? []
    if (pid === undefined || name === mine) continue
    const alive = startOf(Number(pid)) === start
    remove(alive ? path : `${ownDirectory}/${name}`)
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
