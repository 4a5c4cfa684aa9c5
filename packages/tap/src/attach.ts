import { EINVAL, type SystemError, succeed, systemError } from './errno.ts'
import type { Native } from './native.ts'
import { openError } from './open-error.ts'
import type { CheckedOptions } from './options.ts'
import { putHostU32 } from './wire/host-order.ts'
import { decodeIfreq, encodeIfreq, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, IFF_TUN, IFF_VNET_HDR } from './wire/ifreq.ts'
import type { LinkMessage } from './wire/netlink.ts'
import { VNET_HEADER } from './wire/vnet-header.ts'

export type Mode = 'tap' | 'tun'

/** A descriptor with its interface. */
export interface Attachment {
  readonly fd: number
  readonly name: string
  /** Every frame has a virtio_net_hdr before it. */
  readonly vnet: boolean
}

// What the kernel may leave to us, from all to the least: TUN_F_CSUM 1, TUN_F_TSO4 2, TUN_F_TSO6 4, TUN_F_TSO_ECN 8.
const RECEIVE_OFFLOADS = [0xf, 0x7, 0x3, 0x1]

/** The 32-bit argument of an ioctl that takes its address. */
function word(value: number): Uint8Array {
  const b = new Uint8Array(4)
  putHostU32(b, 0, value)
  return b
}

/**
 * Opens the device file and attaches to the interface that the options name. `typeOf` says what an existing interface is, for the
 * message of the NetError that is thrown.
 */
export function attach(
  native: Native,
  mode: Mode,
  options: CheckedOptions,
  typeOf: (name: string) => string | undefined,
): Attachment {
  const name = options.name ?? `${mode}%d`
  const fd = native.open(options.devicePath, true)
  if (fd < 0)
    throw openError(systemError(fd, `open ${options.devicePath}`), { step: 'device', path: options.devicePath })
  try {
    const flags = (mode === 'tap' ? IFF_TAP : IFF_TUN) | IFF_NO_PI | (options.offload ? vnetFlag(native, fd) : 0)
    const attached = setInterface(native, fd, name, flags)
    const vnet = (flags & IFF_VNET_HDR) !== 0
    if (!vnet || offloads(native, fd)) {
      if (options.sendBufferBytes !== undefined)
        succeed(native.ioctl(fd, native.requests.TUNSETSNDBUF, word(options.sendBufferBytes)), 'ioctl TUNSETSNDBUF')
      return { fd, name: attached, vnet }
    }
  } catch (error) {
    native.close(fd)
    throw openError(error as SystemError, { step: 'attach', mode, name, existing: typeOf(name) })
  }
  // An attached descriptor keeps its flags.
  native.close(fd)
  return attach(native, mode, { ...options, offload: false }, typeOf)
}

function vnetFlag(native: Native, fd: number): number {
  const features = word(0)
  return native.ioctl(fd, native.requests.TUNGETFEATURES, features) < 0 ? 0 : (features[1]! << 8) & IFF_VNET_HDR
}

function setInterface(native: Native, fd: number, name: string, flags: number): string {
  const request = encodeIfreq(name, flags)
  let result = native.ioctl(fd, native.requests.TUNSETIFF, request)
  if (result === -EINVAL) {
    // An interface that was made for several queues takes nothing else.
    request.set(encodeIfreq(name, flags | IFF_MULTI_QUEUE))
    result = native.ioctl(fd, native.requests.TUNSETIFF, request)
  }
  succeed(result, 'ioctl TUNSETIFF')
  return decodeIfreq(request).name
}

/** Sets the size of the header and asks for unfinished frames. False where frames would have a header of another size. */
function offloads(native: Native, fd: number): boolean {
  if (native.ioctl(fd, native.requests.TUNSETVNETHDRSZ, word(VNET_HEADER)) < 0) return false
  RECEIVE_OFFLOADS.some((mask) => native.ioctl(fd, native.requests.TUNSETOFFLOAD, mask) >= 0)
  return true
}

/**
 * Takes over a descriptor that has its interface; `find` describes that, where it can be seen. Throws a NetError, and leaves the
 * descriptor to the caller.
 */
export function adopt(
  native: Native,
  mode: Mode,
  fd: number,
  find: (name: string) => LinkMessage | undefined,
): Attachment {
  const request = encodeIfreq('', 0)
  const result = native.ioctl(fd, native.requests.TUNGETIFF, request)
  if (result < 0) throw openError(systemError(result, 'ioctl TUNGETIFF'), { step: 'adopt', fd })
  const { name, flags } = decodeIfreq(request)
  const vnet = (flags & IFF_VNET_HDR) !== 0
  const refuse = (reason: string): never => {
    throw openError(systemError(EINVAL, 'ioctl TUNGETIFF'), { step: 'adopt', fd, reason })
  }
  if (((flags & IFF_TAP) !== 0) !== (mode === 'tap')) refuse(`${name} is not a ${mode.toUpperCase()} but its sibling`)
  // Not the flag IFF_NO_PI, whose bit means IFF_NOFILTER in answers to TUNGETIFF.
  if (find(name)?.packetInfo === true) refuse(`${name} was attached without IFF_NO_PI`)
  if (vnet && !offloads(native, fd)) refuse(`the header of ${name} has a size other than ${VNET_HEADER}`)
  return { fd, name, vnet }
}
