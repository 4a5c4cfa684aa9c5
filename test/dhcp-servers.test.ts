// A stack that is configured by other DHCP servers than dnsmasq: ISC's and Kea, over a TAP in a network namespace; and `fata dhcp` with dnsmasq.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatIp, formatPrefix, ip } from '@fata/addr'
import { systemRuntime } from '@fata/runtime'
import { createStack } from '@fata/stack'
import { openTap } from '@fata/tap'
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest'
import { FATA, temporaryFolder } from './support/fata.ts'
import { createNetns, type Netns } from './support/netns.ts'
import { describeWith } from './support/requirements.ts'

const ISC = `
default-lease-time 600; max-lease-time 600; authoritative;
option domain-name "example.test"; option domain-name-servers 10.9.0.1; option interface-mtu 1400;
subnet 10.9.0.0 netmask 255.255.255.0 { range 10.9.0.100 10.9.0.110; option routers 10.9.0.1; }
`

const KEA = (folder: string): string =>
  JSON.stringify({
    Dhcp4: {
      'interfaces-config': { interfaces: ['tap0'] },
      'lease-database': { type: 'memfile', persist: false },
      'valid-lifetime': 600,
      'option-data': [
        { name: 'routers', data: '10.9.0.1' },
        { name: 'domain-name-servers', data: '10.9.0.1' },
        { name: 'domain-name', data: 'example.test' },
        { name: 'interface-mtu', data: '1400' },
      ],
      subnet4: [{ subnet: '10.9.0.0/24', pools: [{ pool: '10.9.0.100 - 10.9.0.110' }] }],
      loggers: [{ name: 'kea-dhcp4', output_options: [{ output: join(folder, 'kea.log') }], severity: 'INFO' }],
    },
  })

let netns: Netns
const folder = temporaryFolder()
beforeEach(() => {
  netns = createNetns()
})
afterEach(async () => {
  await netns.close()
})
afterAll(() => folder.remove())

async function checkStack(start: () => void): Promise<void> {
  const device = openTap({ name: 'tap0', netns: netns.name, hostAddresses: ['10.9.0.1/24'] })
  start()
  const options = { dhcp: { probe: false } }
  const stack = createStack(device, { ipv4: 'dhcp', ipv4Only: true, name: 'alice' }, systemRuntime(), options)
  try {
    await stack.ready
    const { lease, dnsServers } = stack.interfaces[0]!
    expect(formatPrefix(stack.addresses()[0]!)).toMatch(/^10\.9\.0\.1(0\d|10)\/24$/)
    expect(lease).toMatchObject({ mtu: 1400, domainName: 'example.test' })
    expect(dnsServers.map(formatIp)).toEqual(['10.9.0.1'])
    expect(stack.ip.mtu(ip('10.9.0.1'))).toBe(1380)
    expect((await stack.ping(ip('10.9.0.1'))).kind).toBe('reply')
  } finally {
    await stack.close()
  }
}

describeWith(['tap', 'dhcpd'], "a stack with ISC's DHCP server", () => {
  it('is configured, and reaches the server', async () => {
    writeFileSync(join(folder.path, 'dhcpd.conf'), ISC)
    writeFileSync(join(folder.path, 'dhcpd.leases'), '')
    await checkStack(() => {
      const files = ['-cf', join(folder.path, 'dhcpd.conf'), '-lf', join(folder.path, 'dhcpd.leases'), '--no-pid']
      netns.start('dhcpd', ['-4', '-f', '-d', ...files, 'tap0'])
    })
  })
})

describeWith(['tap', 'kea-dhcp4'], 'a stack with Kea', () => {
  it('is configured, and reaches the server', async () => {
    const config = join(folder.path, 'kea.json')
    writeFileSync(config, KEA(folder.path))
    const environment = ['KEA_PIDFILE_DIR', 'KEA_LOCKFILE_DIR'].map((name) => `${name}=${folder.path}`)
    await checkStack(() => {
      netns.start('env', [...environment, 'kea-dhcp4', '-c', config])
    })
  })
})

describeWith(['tap', 'dnsmasq'], 'fata dhcp with dnsmasq', () => {
  it('shows the lease, and gives it back', async () => {
    const leases = join(folder.path, 'leases')
    await netns.check('ip', ['tuntap', 'add', 'tap0', 'mode', 'tap'])
    await netns.check('ip', ['addr', 'add', '10.9.0.1/24', 'dev', 'tap0'])
    await netns.check('ip', ['link', 'set', 'tap0', 'up'])
    netns.start('dnsmasq', [
      ...[
        '--keep-in-foreground',
        '--conf-file=/dev/null',
        '--port=0',
        '--interface=tap0',
        '--user=root',
        '--pid-file=',
      ],
      ...['--log-facility=-', '--dhcp-range=10.9.0.100,10.9.0.150,5m', `--dhcp-leasefile=${leases}`, '--no-ping'],
      ...['--dhcp-authoritative', '--domain=example.test'],
    ])
    const output = await netns.check('node', [FATA, 'dhcp', '--interface=tap0', '--name=alice', '--ipv4-only'])
    expect(output).toMatch(/^address +10\.9\.0\.1\d\d\/24$/m)
    expect(output).toMatch(/^domain +example\.test$/m)
    expect(output).toMatch(/^host name +alice$/m)
    expect(await netns.check('cat', [leases])).not.toContain('alice')
  })
})
