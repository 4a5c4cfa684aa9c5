import { formatIp, formatPrefix, prefixOf } from '@fata/addr'
import type { DhcpLease } from '@fata/dhcp'
import type { StackInterface } from '@fata/stack'
import type { Command, Context } from '../command.ts'
import { UsageError } from '../errors.ts'
import { openNetwork, requireDirect } from '../open-network.ts'

/** `fata dhcp`: asks for a lease, shows it and gives it back. */
export const dhcp: Command = {
  operands: '',
  summary: 'asks for a lease, shows it, and gives it back',
  options: {},
  help: [],
  async run(context) {
    requireSense(context)
    const network = await openNetwork(context, { dhcp: true })
    try {
      const stack = requireDirect(network, 'dhcp')
      const now = context.runtime.clock.now()
      for (const one of stack.interfaces) for (const line of describe(one, now)) context.print(line)
    } finally {
      await network.close()
    }
  },
}

function requireSense({ boot, positionals }: Context): void {
  if (positionals.length > 0) throw new UsageError(`dhcp takes no operand, got '${positionals[0]}'`)
  if (boot.ipv4 !== undefined || boot.dhcp === false || boot.ipv6Only === true)
    throw new UsageError('dhcp asks for an IPv4 address: no --ipv4, --no-dhcp or --ipv6-only')
}

function describe({ lease, leaseV6, domainSearch }: StackInterface, now: number): string[] {
  const rows: [string, string][] = []
  const row = (name: string, values: readonly string[]): void => {
    if (values.length > 0) rows.push([name, values.join(', ')])
  }
  if (lease !== undefined) leaseRows(lease, now, row)
  row('domain search', domainSearch)
  row('IPv6', leaseV6?.addresses.map(({ address }) => formatIp(address)) ?? [])
  const width = Math.max(0, ...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`)
}

function leaseRows(lease: DhcpLease, now: number, row: (name: string, values: readonly string[]) => void): void {
  const inSeconds = (at: number): string =>
    at === Number.POSITIVE_INFINITY ? 'never' : `${Math.round((at - now) / 1000)} s`
  row('address', [formatPrefix(prefixOf(lease.address, lease.prefixLength))])
  row('server', [formatIp(lease.server)])
  row(
    'routes',
    lease.routes.map(
      ({ prefix, gateway }) => `${formatPrefix(prefix)} by ${gateway === undefined ? 'the link' : formatIp(gateway)}`,
    ),
  )
  row('DNS servers', lease.dnsServers.map(formatIp))
  row('domain', lease.domainName === undefined ? [] : [lease.domainName])
  row('host name', lease.hostName === undefined ? [] : [lease.hostName])
  row('NTP servers', lease.ntpServers.map(formatIp))
  row('MTU', lease.mtu === undefined ? [] : [String(lease.mtu)])
  row('renewed in', [inSeconds(lease.renewAt)])
  row('ends in', [inSeconds(lease.expiresAt)])
}
