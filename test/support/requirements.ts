import { execFileSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { describe } from 'vitest'

/** What a real run needs of the machine. */
export type Requirement =
  | 'tap'
  | 'ping'
  | 'curl'
  | 'tcpdump'
  | 'tshark'
  | 'iperf3'
  | 'dnsmasq'
  | 'udhcpc'
  | 'dhclient'
  | 'dhcpd'
  | 'kea-dhcp4'
  | 'tar'
  | 'bsdtar'
  | 'arping'
  | 'traceroute'
  | 'mtr'
  | 'nmap'
  | 'python3'
  | 'ss'
  | 'ndisc6'
  | 'rltraceroute6'
  | 'radvd'
  | 'etcd'
  | 'atk6-implementation6'

function has(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function missingFor(requirement: Requirement): string | undefined {
  if (requirement !== 'tap')
    return has('sh', '-c', `command -v ${requirement}`) ? undefined : `${requirement} is not installed`
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
  } catch {
    return '/dev/net/tun cannot be opened'
  }
  if (!has('sh', '-c', 'command -v ip')) return 'ip is not installed'
  const probe = `fata-probe-${process.pid}`
  if (!has('ip', 'netns', 'add', probe)) return 'network namespaces need CAP_NET_ADMIN (run as root)'
  execFileSync('ip', ['netns', 'del', probe])
  return undefined
}

/**
 * `describe` where the machine has what the tests need. Elsewhere they are skipped, and the reason is part of their name; with
 * FATA_REQUIRE_ALL=1 a missing requirement is a failure.
 */
export function describeWith(requirements: readonly Requirement[], name: string, tests: () => void): void {
  const missing = requirements.map(missingFor).filter((reason) => reason !== undefined)
  if (missing.length === 0) {
    describe(name, tests)
    return
  }
  const reason = missing.join(', ')
  if (process.env['FATA_REQUIRE_ALL'] === '1') throw new Error(`${name}: ${reason}`)
  console.warn(`skipped: ${name}: ${reason}`)
  describe.skip(`${name} (skipped: ${reason})`, tests)
}
