import { formatPrefix, ip, prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { hostAddressFor } from '../src/host-address.ts'

describe('hostAddressFor', () => {
  it.each([
    ['10.0.0.2/24', '10.0.0.1/24'],
    ['10.0.0.1/24', '10.0.0.2/24'],
    ['192.168.255.77/16', '192.168.0.1/16'],
    ['10.0.0.4/31', '10.0.0.5/31'],
    ['10.0.0.5/31', '10.0.0.4/31'],
    ['255.255.255.253/30', '255.255.255.254/30'],
    ['fd00::2/64', 'fd00::1/64'],
    ['fd00::1/64', 'fd00::2/64'],
    ['fd00::2/127', 'fd00::3/127'],
    ['fd00::3/127', 'fd00::2/127'],
  ])('of %s is %s', (own, host) => {
    expect(formatPrefix(hostAddressFor(prefix(own))!)).toBe(host)
  })

  it('is the gateway where that is a neighbour', () => {
    const own = prefix('10.0.0.2/24')
    expect(formatPrefix(hostAddressFor(own, ip('10.0.0.254'))!)).toBe('10.0.0.254/24')
    expect(formatPrefix(hostAddressFor(own, ip('10.0.1.254'))!)).toBe('10.0.0.1/24')
    expect(formatPrefix(hostAddressFor(own, ip('10.0.0.2'))!)).toBe('10.0.0.1/24')
    expect(formatPrefix(hostAddressFor(own, ip('fd00::1'))!)).toBe('10.0.0.1/24')
  })

  it('does not exist where there is room for one address only', () => {
    expect(hostAddressFor(prefix('10.0.0.2/32'))).toBeUndefined()
    expect(hostAddressFor(prefix('fd00::2/128'))).toBeUndefined()
  })
})
