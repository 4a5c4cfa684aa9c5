import { hostU16, putHostU16 } from './host-order.ts'

// struct ifreq (linux/if.h): the interface's name, then a union, of which TUNSETIFF and TUNGETIFF use 16 bits of flags.
const NAME = 16
const FLAGS = 16
const SIZE = 40

export const IFF_TUN = 0x0001
export const IFF_TAP = 0x0002
export const IFF_MULTI_QUEUE = 0x0100
export const IFF_NO_PI = 0x1000
export const IFF_VNET_HDR = 0x4000

/** A request about the interface `name`, which is at most 15 bytes long. */
export function encodeIfreq(name: string, flags: number): Uint8Array {
  const b = new Uint8Array(SIZE)
  new TextEncoder().encodeInto(name, b.subarray(0, NAME - 1))
  putHostU16(b, FLAGS, flags)
  return b
}

export function decodeIfreq(b: Uint8Array): { readonly name: string; readonly flags: number } {
  const zero = b.indexOf(0)
  const name = new TextDecoder().decode(b.subarray(0, zero < 0 || zero > NAME ? NAME : zero))
  return { name, flags: hostU16(b, FLAGS) }
}

/** Why a name cannot be an interface's; the rules of the kernel. */
export function refuseName(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'it is empty or a folder'
  if (new TextEncoder().encode(name).length >= NAME) return `it is longer than ${NAME - 1} bytes`
  if (/[/:\s\0]/.test(name)) return "it contains '/', ':' or white space"
  return undefined
}
