import { formatPrefix, type Mac, type Prefix, prefixContains } from '@fata/addr'
import { EEXIST, ENODEV, type SystemError } from './errno.ts'
import { openError } from './open-error.ts'
import type { CheckedOptions } from './options.ts'
import type { Rtnetlink } from './rtnetlink.ts'
import type { AddressMessage, LinkMessage } from './wire/netlink.ts'

/** The index of an interface that is in another namespace. */
export const UNSEEN = 0

/** What the kernel says of an interface. */
export interface InterfaceInfo {
  readonly index: number
  readonly up: boolean
  readonly mtu: number
  readonly mac: Mac | undefined
  readonly type: string | undefined
}

const DEFAULT_MTU = 1500

/** The interface `name`; undefined where there is none in this namespace. */
export function findInterface(netlink: Rtnetlink, name: string): LinkMessage | undefined {
  try {
    return netlink.request({ kind: 'get-link', name }).find((m) => m.kind === 'link')
  } catch (error) {
    if ((error as SystemError).errno === -ENODEV) return undefined
    throw error
  }
}

/** Brings the host's side of the interface to what the options say, as far as it is not there yet. Throws a NetError. */
export function configureInterface(netlink: Rtnetlink, name: string, options: CheckedOptions): InterfaceInfo {
  const link = findInterface(netlink, name)
  // A descriptor may be inherited from another namespace.
  if (link === undefined)
    return { index: UNSEEN, up: true, mtu: options.mtu ?? DEFAULT_MTU, mac: undefined, type: undefined }
  const { index, mac, type } = link
  if (options.mtu !== undefined && options.mtu !== link.mtu) {
    const { mtu } = options
    step(name, `ip link set ${name} mtu ${mtu}`, () => netlink.request({ kind: 'set-link', index, mtu }))
  }
  const raise = options.up && !link.up
  if (raise) step(name, `ip link set ${name} up`, () => netlink.request({ kind: 'set-link', index, up: true }))
  addAddresses(netlink, name, index, options.hostAddresses)
  return { index, mac, type, up: link.up || raise, mtu: options.mtu ?? link.mtu ?? DEFAULT_MTU }
}

function addAddresses(netlink: Rtnetlink, name: string, index: number, wanted: readonly Prefix[]): void {
  if (wanted.length === 0) return
  const existing = netlink
    .request({ kind: 'get-addresses' })
    .filter((m): m is AddressMessage => m.kind === 'address' && m.index === index)
  for (const address of wanted) {
    if (existing.some((e) => e.address.length === address.length && prefixContains(e.address, address.address)))
      continue
    step(name, `ip address add ${formatPrefix(address)} dev ${name}`, () =>
      netlink.request({ kind: 'add-address', index, address }),
    )
  }
}

function step(name: string, command: string, request: () => void): void {
  try {
    request()
  } catch (error) {
    const cause = error as SystemError
    if (cause.errno !== -EEXIST) throw openError(cause, { step: 'configure', name, command })
  }
}
