import * as fs from 'node:fs'
import { promisify } from 'node:util'
import { KvError } from '@fata/kv'
import { toKvError } from '../errors.ts'
import type { TarSource } from '../source.ts'
import type { TarFile } from '../tar-file.ts'

const { O_RDONLY, O_RDWR, O_CREAT, O_DIRECTORY = 0, O_NONBLOCK = 0 } = fs.constants
const fdatasync = promisify(fs.fdatasync)
const fsync = promisify(fs.fsync)
const read = promisify(fs.read)
const write = promisify(fs.write)

/** Up to here the thread pool costs more than the call. */
const QUICK_BYTES = 64 * 1024

/** What tells a file from every other one of the machine. */
export interface FileId {
  readonly device: string
  readonly inode: string
}

export type Access = 'read' | 'write' | 'create'

/** An archive in a file. Throws KvError KV_IO unless there is a regular file. */
export function fileSource(path: string): TarSource {
  return openNodeFile(path, 'read').file
}

/** The file and what it is. Throws KvError KV_IO. */
export function openNodeFile(path: string, access: Access): { file: TarFile; id: FileId } {
  if (typeof path !== 'string') throw new TypeError('a path is a string')
  const flags = access === 'read' ? O_RDONLY : O_RDWR | (access === 'create' ? O_CREAT : 0)
  let fd: number
  try {
    fd = fs.openSync(path, flags | O_NONBLOCK)
  } catch (error) {
    throw toKvError(hasCode(error) ? error : Object.assign(new Error('no path'), { code: 'EINVAL' }))
  }
  const stat = fs.fstatSync(fd, { bigint: true })
  if (stat.isFile()) return { file: nodeFile(fd), id: { device: String(stat.dev), inode: String(stat.ino) } }
  fs.closeSync(fd)
  const message = 'no regular file'
  throw new KvError('KV_IO', { message, cause: new Error(`${message}: ${path}`) })
}

function hasCode(error: unknown): boolean {
  return typeof (error as { code?: unknown }).code === 'string'
}

function nodeFile(fd: number): TarFile {
  return {
    size: () => fs.fstatSync(fd).size,
    async read(offset, length, signal) {
      const into = unfilled(length)
      const filled = await readInto(fd, into, offset, signal)
      return filled < length ? into.slice(0, filled) : into
    },
    readInto: (into, offset, signal) => readInto(fd, into, offset, signal),
    write(bytes, position) {
      if (bytes.length <= QUICK_BYTES) return fs.writeSync(fd, bytes, 0, bytes.length, position)
      return write(fd, bytes, 0, bytes.length, position).then(({ bytesWritten }) => bytesWritten)
    },
    truncate: (size) => fs.ftruncateSync(fd, size),
    sync: () => fdatasync(fd),
    close: () => fs.closeSync(fd),
  }
}

/** A plain array of its own, not of zeros: it is about to be written over, and what is not is cut off. */
function unfilled(length: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer)
}

function readInto(
  fd: number,
  into: Uint8Array,
  offset: number,
  signal: AbortSignal | undefined,
): number | Promise<number> {
  if (into.length > QUICK_BYTES) return readLarge(fd, into, offset, signal)
  let filled = 0
  for (let n = -1; n !== 0 && filled < into.length; filled += n) {
    n = fs.readSync(fd, into, filled, into.length - filled, offset + filled)
  }
  return filled
}

async function readLarge(
  fd: number,
  into: Uint8Array,
  offset: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let filled = 0
  while (filled < into.length) {
    signal?.throwIfAborted()
    const { bytesRead } = await read(fd, into, filled, into.length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return filled
}

/** Makes the names in the directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const fd = fs.openSync(path, O_RDONLY | O_DIRECTORY)
  try {
    await fsync(fd)
  } finally {
    fs.closeSync(fd)
  }
}
