import { formatIp, formatPrefix, ip, ipv4Prefix } from '@fata/addr'
import { configOf, parseBootArguments, StackError } from '@fata/stack'
import { describe, expect, it } from 'vitest'

const one = (...args: string[]) => parseBootArguments(args).groups.get('')!

describe('boot arguments', () => {
  it('reads every argument by its MirageOS name', () => {
    const boot = one(
      '--interface=tap0',
      '--ipv4=10.0.0.2/24',
      '--ipv4-gateway=10.0.0.1',
      '--ipv6=fd00::2/64',
      '--ipv6-gateway=fd00::1',
      '--accept-router-advertisements=false',
      '--name=web.example',
      '--no-dhcp',
    )
    expect(boot.interface).toBe('tap0')
    expect(formatPrefix(boot.ipv4!)).toBe('10.0.0.2/24')
    expect(formatIp(boot.ipv4Gateway!)).toBe('10.0.0.1')
    expect(formatPrefix(boot.ipv6!)).toBe('fd00::2/64')
    expect(formatIp(boot.ipv6Gateway!)).toBe('fd00::1')
    expect(boot.acceptRouterAdvertisements).toBe(false)
    expect(boot.name).toBe('web.example')
    expect(boot.dhcp).toBe(false)
  })

  it('takes values from the next argument and booleans alone', () => {
    const parsed = parseBootArguments(['--ipv4', '10.0.0.2/24', '--ipv4-only', 'site'])
    expect(formatPrefix(parsed.groups.get('')!.ipv4!)).toBe('10.0.0.2/24')
    expect(parsed.groups.get('')!.ipv4Only).toBe(true)
    expect(parsed.rest).toEqual(['site'])
  })

  it('keeps groups apart and leaves everything else in order', () => {
    const parsed = parseBootArguments([
      'serve',
      '--wan-ipv4-gateway=192.0.2.1',
      '--port=80',
      '--wan-interface',
      'tap1',
      '--',
      '--ipv4=x',
    ])
    expect([...parsed.groups.keys()]).toEqual(['', 'wan'])
    expect(formatIp(parsed.groups.get('wan')!.ipv4Gateway!)).toBe('192.0.2.1')
    expect(parsed.groups.get('wan')!.interface).toBe('tap1')
    expect(parsed.groups.get('')).toEqual({})
    expect(parsed.rest).toEqual(['serve', '--port=80', '--', '--ipv4=x'])
  })

  it('accepts the singular of --accept-router-advertisements', () => {
    expect(one('--accept-router-advertisement=false').acceptRouterAdvertisements).toBe(false)
  })

  it.each([
    [['--ipv4=10.0.0.2'], "--ipv4: not a prefix (address/length): '10.0.0.2'"],
    [['--ipv4=10.0.0.256/24'], "--ipv4: not a prefix (address/length): '10.0.0.256/24'"],
    [['--ipv4=fd00::2/64'], "--ipv4: not an IPv4 prefix: 'fd00::2/64'"],
    [['--ipv6=10.0.0.2/24'], "--ipv6: not an IPv6 prefix: '10.0.0.2/24'"],
    [['--lan-ipv6=fd00::2/129'], "--lan-ipv6: not a prefix (address/length): 'fd00::2/129'"],
    [['--ipv4-gateway=fd00::1'], "--ipv4-gateway: not an IPv4 address: 'fd00::1'"],
    [['--ipv4-only=maybe'], "--ipv4-only: must be true or false, not 'maybe'"],
    [['--interface='], '--interface: must not be empty'],
    [['--name=-x'], "--name: not a host name: '-x'"],
    [['--interface'], '--interface needs a value'],
    [['--ipv4=10.0.0.2/24', '--ipv4=10.0.0.3/24'], '--ipv4 is given twice'],
    [['--ipv4-only', '--ipv6-only'], '--ipv4-only and --ipv6-only exclude each other'],
  ])('refuses %j with one clear line', (args, message) => {
    let thrown: unknown
    try {
      parseBootArguments(args)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(StackError)
    expect((thrown as StackError).code).toBe('ERR_STACK_ARGUMENT')
    expect((thrown as StackError).message).toBe(message)
  })
})

describe('configOf', () => {
  const config = (...args: string[]) => configOf(parseBootArguments(args).groups.get('')!)

  it('asks by DHCP for an interface without an address', () => {
    expect(config('--interface=tap0', '--name=alice')).toEqual({ ipv4: 'dhcp', name: 'alice' })
    expect(config('--no-dhcp')).toEqual({ ipv4: undefined })
    expect(config('--ipv6-only')).toEqual({ ipv4: undefined, ipv6Only: true })
    expect(config('--ipv4=10.0.0.2/24').ipv4).toEqual(ipv4Prefix('10.0.0.2/24'))
  })

  it('takes name servers, with ports where they have some', () => {
    expect(config('--dns-servers=10.0.0.53,[fd00::53]:5353').dnsServers).toEqual([
      { address: ip('10.0.0.53'), port: 53 },
      { address: ip('fd00::53'), port: 5353 },
    ])
    expect(() => config('--dns-servers=ns.test')).toThrow(/^--dns-servers: /)
  })
})
