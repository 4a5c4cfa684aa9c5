import { NetError } from '@fata/net'
import { EACCES, EBUSY, EINVAL, ENODEV, ENOENT, ENXIO, EPERM, type SystemError } from './errno.ts'

/** What was being done when the system refused. */
export type OpenStep =
  | { readonly step: 'namespace'; readonly netns: string }
  | { readonly step: 'device'; readonly path: string }
  | {
      readonly step: 'attach'
      readonly mode: 'tap' | 'tun'
      readonly name: string
      readonly existing: string | undefined
    }
  | { readonly step: 'adopt'; readonly fd: number; readonly reason?: string }
  | { readonly step: 'configure'; readonly name: string; readonly command: string }

/** An error of the system as the NetError that says what to do about it. */
export function openError(cause: SystemError, at: OpenStep): NetError {
  // rtnetlink says EPERM to who has no right, and EACCES where IPv6 is disabled on the interface.
  const refused = cause.errno === -EPERM || (cause.errno === -EACCES && at.step !== 'configure')
  const code = refused ? 'ERR_NET_PERMISSION' : 'ERR_NET_OPEN'
  return new NetError(code, explain(cause, at, refused), { cause })
}

function explain(cause: SystemError, at: OpenStep, refused: boolean): string {
  switch (at.step) {
    case 'namespace':
      return explainNamespace(cause, at.netns, refused)
    case 'device':
      return explainDevice(cause, at.path, refused)
    case 'attach':
      return explainAttach(cause, at, refused)
    case 'adopt':
      return `descriptor ${at.fd} cannot be used: ${at.reason ?? `it is not attached to a TAP or TUN interface (${cause.code})`}`
    case 'configure':
      return explainConfigure(cause, at.name, at.command, refused)
  }
}

function explainNamespace(cause: SystemError, netns: string, refused: boolean): string {
  if (cause.errno === -ENOENT) return `there is no network namespace '${netns}': \`ip netns list\` shows what there is`
  return refused
    ? `entering network namespace '${netns}' needs CAP_SYS_ADMIN`
    : `network namespace '${netns}': ${cause.code}`
}

function explainDevice(cause: SystemError, path: string, refused: boolean): string {
  if (cause.errno === -ENOENT || cause.errno === -ENODEV || cause.errno === -ENXIO)
    return `there is no ${path}: load the driver with \`modprobe tun\`; give a container \`--device ${path}\``
  return refused
    ? `this user may not open ${path}: \`sudo chmod 666 ${path}\` lets everybody`
    : `${path}: ${cause.code}`
}

function explainAttach(cause: SystemError, at: OpenStep & { step: 'attach' }, refused: boolean): string {
  const { mode, name, existing } = at
  const shown = name.includes('%') ? `${mode}0` : name
  if (refused) {
    const why = existing === undefined ? `making ${name}` : `opening ${name}, which belongs to another user,`
    return (
      `${why} needs CAP_NET_ADMIN: run as root, or \`sudo setcap cap_net_admin+ep ${process.execPath}\`, or let root make one for ` +
      `this user: \`sudo ip tuntap add dev ${shown} mode ${mode} user $USER && sudo ip link set ${shown} up\``
    )
  }
  if (cause.errno === -EBUSY) return `${name} is in use by another process`
  if (cause.errno === -EINVAL && existing === 'tun') return `${name} is not a ${mode.toUpperCase()} but its sibling`
  if (cause.errno === -EINVAL && existing !== undefined)
    return `${name} is not a TAP or TUN interface but '${existing}'`
  return `attaching to ${name}: ${cause.code}`
}

function explainConfigure(cause: SystemError, name: string, command: string, refused: boolean): string {
  if (refused) return `changing ${name} needs CAP_NET_ADMIN: let root run \`${command}\``
  const hint = cause.errno === -EACCES ? `; is IPv6 disabled (sysctl net.ipv6.conf.${name}.disable_ipv6)?` : ''
  return `\`${command}\` is refused: ${cause.code}${hint}`
}
