import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { systemClock } from '@fata/runtime'
import type { DirFile, DirFs, DirStat, FileKind } from './fs.ts'

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY = 0, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = fs.constants
const fsync = promisify(fs.fsync)
const read = promisify(fs.read)
const write = promisify(fs.write)
const wallTime = systemClock().wallTime

/** Kernels stamp files with the time of their last tick. */
const TICK_MS = 100

export const nodeFs: DirFs = {
  realpath: (path) => fs.realpathSync(path),
  stat: (path, follow) => toStat((follow ? fs.statSync : fs.lstatSync)(path, { bigint: true })),
  readdir: (path) =>
    fs.readdirSync(path, { withFileTypes: true }).map((entry) => ({ name: entry.name, kind: kindOf(entry) })),
  mkdir: (path) => fs.mkdirSync(path),
  rmdir: (path) => fs.rmdirSync(path),
  unlink: (path) => fs.unlinkSync(path),
  rename: (from, to) => fs.renameSync(from, to),
  open: (path, follow) => nodeFile(fs.openSync(path, O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW))),
  create: (path) => nodeFile(fs.openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW)),
  async syncDir(path) {
    const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY)
    try {
      await fsync(fd)
    } finally {
      fs.closeSync(fd)
    }
  },
}

function nodeFile(fd: number): DirFile {
  return {
    stat: () => toStat(fs.fstatSync(fd, { bigint: true })),
    readNow: (into, position) => fs.readSync(fd, into, 0, into.length, position),
    read: async (into, position) => (await read(fd, into, 0, into.length, position)).bytesRead,
    writeNow: (bytes, position) => fs.writeSync(fd, bytes, 0, bytes.length, position),
    write: async (bytes, position) => (await write(fd, bytes, 0, bytes.length, position)).bytesWritten,
    setModified: (ms) => fs.futimesSync(fd, ms / 1000, ms / 1000),
    sync: () => fsync(fd),
    close: () => fs.closeSync(fd),
  }
}

function toStat(stat: fs.BigIntStats): DirStat {
  return {
    kind: kindOf(stat),
    device: stat.dev.toString(),
    inode: stat.ino.toString(),
    size: Number(stat.size),
    modifiedMs: Number((stat.mtimeNs + 500_000n) / 1_000_000n),
    identity: `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`,
    settled: wallTime() - Number(stat.ctimeMs) > TICK_MS,
  }
}

function kindOf(entry: fs.Dirent | fs.BigIntStats): FileKind {
  if (entry.isFile()) return 'file'
  if (entry.isDirectory()) return 'directory'
  return entry.isSymbolicLink() ? 'link' : 'other'
}
