import { type Mac, randomMac } from '@fata/addr'
import { NetError } from '@fata/net'
import { type Random, type Runtime, systemRuntime } from '@fata/runtime'
import { type Attachment, adopt, attach, type Mode } from './attach.ts'
import { Device, type TunTapDevice } from './device.ts'
import type { SystemError } from './errno.ts'
import { configureInterface, findInterface, type InterfaceInfo } from './interface.ts'
import { loadNative } from './load.ts'
import { inNamespace } from './namespace.ts'
import type { Native } from './native.ts'
import { openError } from './open-error.ts'
import { type CheckedOptions, checkOptions, type TapOptions, type TunOptions } from './options.ts'
import { Rtnetlink } from './rtnetlink.ts'
import { refuseName } from './wire/ifreq.ts'

/**
 * Opens a Linux TAP: a device whose other end is the Ethernet interface `name` of this host. Drops are counted as `queue-full`,
 * `interface-down`, `interface-gone`, `device-error` and `closed` (sent), `no-listener`, `too-short` and the reasons of a header that is
 * not understood (received).
 *
 * Throws NetError: `ERR_NET_UNSUPPORTED` where the platform or the native addon is missing, `ERR_NET_PERMISSION` where this user may not,
 * `ERR_NET_OPEN` where the interface cannot be had; the message says what to do, `cause` what the system said.
 */
export function openTap(options: TapOptions = {}, runtime: Runtime = systemRuntime()): TunTapDevice {
  return openDevice(loadNative(), 'tap', options, runtime)
}

/** As `openTap`, for a TUN: its frames are IP packets. */
export function openTun(options: TunOptions = {}, runtime: Runtime = systemRuntime()): TunTapDevice {
  return openDevice(loadNative(), 'tun', options, runtime)
}

/** `openTap` and `openTun` over the system calls of `native`. */
export function openDevice(native: Native, mode: Mode, options: TapOptions, runtime: Runtime): TunTapDevice {
  const checked = checkOptions(options)
  const refusal = checked.name === undefined ? undefined : refuseName(checked.name)
  if (refusal !== undefined)
    throw new NetError('ERR_NET_OPEN', `'${checked.name}' cannot be the name of an interface: ${refusal}`)
  const open = (): TunTapDevice => openHere(native, mode, checked, runtime)
  const { netns } = checked
  if (netns === undefined) return open()
  try {
    return inNamespace(native, netns, open)
  } catch (error) {
    throw error instanceof NetError ? error : openError(error as SystemError, { step: 'namespace', netns })
  }
}

/** Opens in the namespace of the thread. */
function openHere(native: Native, mode: Mode, options: CheckedOptions, runtime: Runtime): TunTapDevice {
  const netlink = new Rtnetlink(native)
  let attachment: Attachment | undefined
  try {
    attachment =
      options.fd === undefined
        ? attach(native, mode, options, (name) => typeOf(netlink, name))
        : adopt(native, mode, options.fd, (name) => findInterface(netlink, name))
    const info = configureInterface(netlink, attachment.name, options)
    const mac = mode === 'tap' ? chooseMac(options, info, runtime.random) : undefined
    return new Device({ native, attachment, netlink, info, mac, options, runtime })
  } catch (error) {
    native.close(netlink.fd)
    // An inherited descriptor stays the caller's where it cannot be used.
    if (attachment !== undefined && options.fd === undefined) native.close(attachment.fd)
    throw error
  }
}

function typeOf(netlink: Rtnetlink, name: string): string | undefined {
  const link = findInterface(netlink, name)
  return link && (link.type ?? 'physical')
}

/** The two ends of a TAP are two stations; a macvtap is one end, and gets frames for its own address only. */
function chooseMac(options: CheckedOptions, info: InterfaceInfo, random: Random): Mac {
  if (options.mac !== undefined) {
    if (options.mac === info.mac && info.type === 'tun')
      throw new RangeError('mac is that of the host, which has the other end of the cable')
    return options.mac
  }
  if (info.type === 'macvtap' && info.mac !== undefined) return info.mac
  for (;;) {
    const mac = randomMac(random.uint32(), random.uint32())
    if (mac !== info.mac) return mac
  }
}
