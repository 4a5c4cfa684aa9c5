import { constants } from 'node:os'
import { getSystemErrorName } from 'node:util'

const { errno } = constants
export const EACCES: number = errno.EACCES
export const EAGAIN: number = errno.EAGAIN
export const EBADF: number = errno.EBADF
export const EBUSY: number = errno.EBUSY
export const EEXIST: number = errno.EEXIST
export const EINVAL: number = errno.EINVAL
export const EIO: number = errno.EIO
export const ENODEV: number = errno.ENODEV
export const ENOENT: number = errno.ENOENT
export const ENXIO: number = errno.ENXIO
export const EPERM: number = errno.EPERM

/** EBADFD, which libuv has no name for: what a descriptor answers whose interface was removed. */
export const EBADFD = 77

/** The interface behind a descriptor is no more, or somebody closed the descriptor. */
export function meansGone(errno: number): boolean {
  return errno === EBADFD || errno === EBADF || errno === ENODEV
}

/** An error as Node's own file system functions throw them. */
export interface SystemError extends Error {
  readonly code: string
  readonly errno: number
  readonly syscall: string
}

/** The error for `-errno`, or for errno. */
export function systemError(errno: number, syscall: string): SystemError {
  const positive = Math.abs(errno)
  const code = errorName(positive)
  return Object.assign(new Error(`${code}: ${syscall}`), { code, errno: -positive, syscall })
}

function errorName(errno: number): string {
  if (errno === EBADFD) return 'EBADFD'
  const name = getSystemErrorName(-errno)
  return name.startsWith('Unknown') ? `errno ${errno}` : name
}

/** `result`, or throws a SystemError where it is `-errno`. */
export function succeed(result: number, syscall: string): number {
  if (result < 0) throw systemError(result, syscall)
  return result
}
