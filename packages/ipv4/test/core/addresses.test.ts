import { formatIpv4, IPV4_BROADCAST, ipv4, ipv4Prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { Addresses } from '../../src/core/addresses.ts'

function of(...list: string[]): Addresses {
  const addresses = new Addresses(64)
  for (const text of list) addresses.add(ipv4Prefix(text))
  return addresses
}

describe('own addresses (RFC 1122 §3.2.1.3)', () => {
  it('are added once, changed and removed', () => {
    const a = of('10.0.0.1/24')
    expect(a.add(ipv4Prefix('10.0.0.1/24'))).toBe(false)
    expect(a.add(ipv4Prefix('10.0.0.2/24'))).toBe(true)
    expect(a.add(ipv4Prefix('10.0.0.1/16'))).toBe(true)
    expect(a.list).toEqual([ipv4Prefix('10.0.0.1/16'), ipv4Prefix('10.0.0.2/24')])
    expect(a.remove(ipv4('10.0.0.1'))).toEqual(ipv4Prefix('10.0.0.1/16'))
    expect(a.remove(ipv4('10.0.0.1'))).toBeUndefined()
    expect([a.has(ipv4('10.0.0.1')), a.has(ipv4('10.0.0.2'))]).toEqual([false, true])
  })

  it('lists do not change under who has one', () => {
    const a = of('10.0.0.1/24')
    const before = a.list
    a.add(ipv4Prefix('10.0.0.2/24'))
    expect(before).toHaveLength(1)
    expect(Object.isFrozen(before)).toBe(true)
  })

  it('know their broadcasts', () => {
    const a = of('10.0.0.1/24', '10.1.0.1/16', '10.2.0.1/31', '10.3.0.1/32')
    for (const yes of ['10.0.0.255', '10.1.255.255', '255.255.255.255']) expect(a.isBroadcast(ipv4(yes))).toBe(true)
    for (const no of ['10.2.0.1', '10.3.0.1', '10.0.1.255', '10.0.0.0']) expect(a.isBroadcast(ipv4(no))).toBe(false)
    a.remove(ipv4('10.1.0.1'))
    expect(a.isBroadcast(ipv4('10.1.255.255'))).toBe(false)
    expect(new Addresses(1).isBroadcast(IPV4_BROADCAST)).toBe(true)
  })

  it('are found among many', () => {
    const a = of(...Array.from({ length: 40 }, (_, i) => `200.0.0.${i + 1}/24`))
    expect([a.has(ipv4('200.0.0.40')), a.has(ipv4('200.0.0.41'))]).toEqual([true, false])
  })

  it.each(['0.0.0.0/8', '0.1.2.3/24', '127.0.0.1/8', '224.0.0.5/24', '255.255.255.255/32', '10.0.0.255/24'])(
    '%s is none',
    (text) => expect(() => of(text)).toThrow(RangeError),
  )

  it('accept both ends of a /31, and a /32', () => {
    expect(of('10.0.0.0/31', '10.0.0.1/31', '10.0.0.9/32').list).toHaveLength(3)
  })

  it('have a bound', () => {
    const a = new Addresses(2)
    a.add(ipv4Prefix('10.0.0.1/24'))
    a.add(ipv4Prefix('10.0.0.2/24'))
    expect(() => a.add(ipv4Prefix('10.0.0.3/24'))).toThrow(/more than 2 addresses/)
    expect(a.add(ipv4Prefix('10.0.0.2/16'))).toBe(true)
  })

  it.each([
    ['the longest common network', ['10.0.0.1/8', '10.1.0.1/16', '10.1.1.1/24'], '10.1.1.9', '10.1.1.1'],
    ['the only common network', ['10.0.0.1/24', '10.0.1.1/24'], '10.0.1.9', '10.0.1.1'],
    ['the first of equals', ['10.0.0.1/24', '10.0.0.2/24'], '10.0.0.9', '10.0.0.1'],
    ['the first', ['10.0.0.1/24', '10.0.1.1/24'], '8.8.8.8', '10.0.0.1'],
    ['the first that is not link-local', ['169.254.1.1/16', '10.0.1.1/24'], '8.8.8.8', '10.0.1.1'],
    ['the link-local one for its kind', ['10.0.1.1/24', '169.254.1.1/16'], '169.254.9.9', '169.254.1.1'],
    ['the link-local one where it is alone', ['169.254.1.1/16'], '8.8.8.8', '169.254.1.1'],
    ['none', [], '8.8.8.8', '0.0.0.0'],
  ])('give %s as the source', (_, own, hop, expected) =>
    expect(formatIpv4(of(...own).sourceFor(ipv4(hop)))).toBe(expected),
  )
})
