import {
  type Endpoint,
  endpoint,
  type Ipv4,
  type Ipv4Prefix,
  type Ipv6,
  type Ipv6Prefix,
  ipv4,
  ipv4Prefix,
  ipv6,
  ipv6Prefix,
  parseIp,
} from '@fata/addr'
import type { StackConfig } from './config.ts'
import { StackError } from './errors.ts'

/** The network arguments of a MirageOS unikernel, by their names there. Absent: not given. */
export interface BootArguments {
  /** `--interface`: the device's name. */
  interface?: string
  /** `--ipv4`: own address and prefix length. */
  ipv4?: Ipv4Prefix
  /** `--ipv4-gateway` */
  ipv4Gateway?: Ipv4
  /** `--ipv6`: own address and prefix length, beside the link-local address. */
  ipv6?: Ipv6Prefix
  /** `--ipv6-gateway` */
  ipv6Gateway?: Ipv6
  /** `--ipv4-only`: no IPv6 at all. */
  ipv4Only?: boolean
  /** `--ipv6-only`: no IPv4 at all. */
  ipv6Only?: boolean
  /** `--accept-router-advertisements` */
  acceptRouterAdvertisements?: boolean
  /** `--name`: host name. */
  name?: string
  /** `--no-dhcp`: false when given. */
  dhcp?: boolean
  /** `--dns-servers`: addresses, with ports where these are not 53. */
  dnsServers?: readonly Endpoint[]
}

/** What `parseBootArguments` found. */
export interface ParsedBootArguments {
  /** By group: `''` for arguments without a prefix (always there), `'wan'` for `--wan-ipv4` and the like. */
  readonly groups: ReadonlyMap<string, BootArguments>
  /** Every argument that is none of these, in order. */
  readonly rest: readonly string[]
}

/** Reads one argument's value into its field. */
type Reader = (into: BootArguments, value: string) => void

function boolean(value: string): boolean {
  if (value === 'true') return true
  if (value === 'false') return false
  throw new TypeError(`must be true or false, not '${value}'`)
}

function hostName(value: string): string {
  const label = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
  if (value.length > 253 || !value.split('.').every((part) => label.test(part)))
    throw new TypeError(`not a host name: '${value}'`)
  return value
}

function nonEmpty(value: string): string {
  if (value === '') throw new TypeError('must not be empty')
  return value
}

function server(value: string): Endpoint {
  const address = parseIp(value)
  return address === undefined ? endpoint(value) : { address, port: 53 }
}

const readers: Readonly<Record<string, Reader>> = {
  interface: (into, value) => (into.interface = nonEmpty(value)),
  ipv4: (into, value) => (into.ipv4 = ipv4Prefix(value)),
  'ipv4-gateway': (into, value) => (into.ipv4Gateway = ipv4(value)),
  ipv6: (into, value) => (into.ipv6 = ipv6Prefix(value)),
  'ipv6-gateway': (into, value) => (into.ipv6Gateway = ipv6(value)),
  'ipv4-only': (into, value) => (into.ipv4Only = boolean(value)),
  'ipv6-only': (into, value) => (into.ipv6Only = boolean(value)),
  'accept-router-advertisements': (into, value) => (into.acceptRouterAdvertisements = boolean(value)),
  name: (into, value) => (into.name = hostName(value)),
  'no-dhcp': (into, value) => (into.dhcp = !boolean(value)),
  'dns-servers': (into, value) => (into.dnsServers = value.split(',').map(server)),
}

/** These may stand without a value, which then is `true`. */
const flags = new Set(['ipv4-only', 'ipv6-only', 'accept-router-advertisements', 'no-dhcp'])

/** MirageOS's announcements spell it in the singular. */
const aliases: Readonly<Record<string, string>> = { 'accept-router-advertisement': 'accept-router-advertisements' }

/** Longest first, so that `--wan-ipv4-gateway` is no `gateway` of a group `wan-ipv4`. */
const names = [...Object.keys(readers), ...Object.keys(aliases)].sort((a, b) => b.length - a.length)

/** `wan-ipv4` is `ipv4` of group `wan`. */
function split(option: string): { group: string; name: string } | undefined {
  for (const name of names) {
    if (option === name) return { group: '', name: aliases[name] ?? name }
    if (option.endsWith(`-${name}`) && option.length > name.length + 1) {
      return { group: option.slice(0, -name.length - 1), name: aliases[name] ?? name }
    }
  }
  return undefined
}

function check(group: string, boot: BootArguments): void {
  const dashed = group === '' ? '--' : `--${group}-`
  if (boot.ipv4Only === true && boot.ipv6Only === true) {
    throw new StackError('ERR_STACK_ARGUMENT', `${dashed}ipv4-only and ${dashed}ipv6-only exclude each other`)
  }
}

/**
 * Picks the boot arguments out of a command line: `--ipv4=10.0.0.2/24` or `--ipv4 10.0.0.2/24`; the boolean ones also alone. What stands
 * behind `--` is left to others. Throws StackError `ERR_STACK_ARGUMENT`, with the argument's name in the message.
 */
export function parseBootArguments(args: readonly string[]): ParsedBootArguments {
  const groups = new Map<string, BootArguments>([['', {}]])
  const rest: string[] = []
  const seen = new Set<string>()
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!
    if (arg === '--') {
      rest.push(...args.slice(i))
      break
    }
    const match = /^--([^=]+)(?:=(.*))?$/s.exec(arg)
    const known = match === null ? undefined : split(match[1]!)
    if (match === null || known === undefined) {
      rest.push(arg)
      continue
    }
    const shown = `--${match[1]}`
    const value = match[2] ?? (flags.has(known.name) ? 'true' : args[++i])
    if (value === undefined) throw new StackError('ERR_STACK_ARGUMENT', `${shown} needs a value`)
    const once = `${known.group}/${known.name}`
    if (seen.has(once)) throw new StackError('ERR_STACK_ARGUMENT', `${shown} is given twice`)
    seen.add(once)
    let boot = groups.get(known.group)
    if (boot === undefined) groups.set(known.group, (boot = {}))
    try {
      readers[known.name]!(boot, value)
    } catch (cause) {
      throw new StackError('ERR_STACK_ARGUMENT', `${shown}: ${(cause as Error).message}`, { cause })
    }
  }
  for (const [group, boot] of groups) check(group, boot)
  return { groups, rest }
}

/** What a stack with these arguments is configured with: an interface without `--ipv4` asks by DHCP, unless `--no-dhcp` or `--ipv6-only` is given. */
export function configOf({ interface: _, dhcp = true, ipv4: given, ...rest }: BootArguments): StackConfig {
  return { ...rest, ipv4: given ?? (dhcp && rest.ipv6Only !== true ? 'dhcp' : undefined) }
}
