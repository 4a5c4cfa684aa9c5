import { ipv6, ipv6Prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { defaults, type Ipv6Options, settings } from '../src/options.ts'

describe('options', () => {
  it('have defaults, which cannot be changed', () => {
    expect(settings()).toEqual(defaults)
    expect(settings({})).not.toBe(defaults)
    expect(Object.isFrozen(defaults)).toBe(true)
  })

  it('may be undefined', () => {
    expect(settings({ hopLimit: undefined } as unknown as Ipv6Options)).toEqual(defaults)
  })

  it('are taken', () => {
    const given: Ipv6Options = {
      addresses: [ipv6Prefix('fd00::a/64')],
      gateway: ipv6('fe80::1'),
      zone: 'tap0',
      hopLimit: 1,
      interfaceIds: 'eui-64',
      secret: new Uint8Array(16),
      dupAddrDetectTransmits: 0,
      pathMtuTimeoutMs: Number.POSITIVE_INFINITY,
    }
    expect(settings(given)).toEqual({ ...defaults, ...given })
  })

  it.each<[string, unknown]>([
    ['hopLimit', 0],
    ['hopLimit', 256],
    ['hopLimit', '64'],
    ['zone', 'a b'],
    ['transparent', 1],
    ['interfaceIds', 'mac'],
    ['secret', new Uint8Array(15)],
    ['gateway', ipv6('ff02::2')],
    ['gateway', ipv6('::')],
    ['addresses', [ipv6Prefix('::1/128')]],
    ['addresses', [{ address: ipv6('fd00::a'), length: 129 }]],
    ['addresses', ['fd00::a/64']],
    ['retransTimerMs', 0],
    ['retransTimerMs', Number.NaN],
    ['maxRouters', 1],
    ['maxNeighbors', 0],
    ['maxNeighbors', 1.5],
    ['icmpErrorsPerSecond', -1],
    ['mldRobustness', 0],
    ['unsolicitedAdvertisements', 4],
    ['reassemblyBytes', 1],
  ])('%s refuses %j', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(RangeError)
  })

  it('are known by name', () => {
    expect(() => settings({ hopLimits: 3 } as Ipv6Options)).toThrow(TypeError)
  })
})
