import { formatIpv6, ipv6, ipv6Prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import type { OwnAddress } from '../src/core/addresses.ts'
import { startDad } from '../src/core/dad.ts'
import { selectSource } from '../src/core/source-selection.ts'

/** `address/length`, then words: a state, `by router`. */
function own(text: string): OwnAddress {
  const [prefix, ...words] = text.split(' ')
  const { address, length } = ipv6Prefix(prefix!.includes('/') ? prefix! : `${prefix}/64`)
  const kind = (['deprecated', 'duplicate', 'optimistic'] as const).find((k) => words.includes(k)) ?? 'preferred'
  return {
    address,
    prefixLength: length,
    origin: words.includes('temporary') ? 'temporary' : 'static',
    state: kind === 'optimistic' ? { kind, dad: startDad(0) } : { kind },
    preferredUntil: Number.POSITIVE_INFINITY,
    validUntil: Number.POSITIVE_INFINITY,
    dadCounter: 0,
    router: words.includes('by') ? ipv6(words[words.indexOf('by') + 1]!) : undefined,
    announcements: 0,
    announceAt: Number.POSITIVE_INFINITY,
    regenerateAt: Number.POSITIVE_INFINITY,
  }
}

function select(dst: string, candidates: readonly string[], via?: string): string | undefined {
  const list = candidates.map(own)
  const forth = selectSource(list, ipv6(dst), via === undefined ? undefined : ipv6(via))
  const back = selectSource(list.toReversed(), ipv6(dst), via === undefined ? undefined : ipv6(via))
  expect(back?.address).toEqual(forth?.address)
  return forth === undefined ? undefined : formatIpv6(forth.address)
}

describe('source address selection, RFC 6724 §5', () => {
  // §10.1, without the example about home addresses.
  it.each([
    ['prefer appropriate scope', '2001:db8:1::1', ['2001:db8:3::1', 'fe80::1'], '2001:db8:3::1'],
    ['prefer appropriate scope', 'ff05::1', ['2001:db8:3::1', 'fe80::1'], '2001:db8:3::1'],
    ['prefer same address', '2001:db8:1::1', ['2001:db8:1::1 deprecated', '2001:db8:2::1'], '2001:db8:1::1'],
    ['prefer appropriate scope', 'fec0::1', ['fe80::1 deprecated', '2001:db8:1::1'], '2001:db8:1::1'],
    ['longest matching prefix', '2001:db8:1::1', ['2001:db8:1::2', '2001:db8:3::2'], '2001:db8:1::2'],
    ['prefer matching label', '2002:c633:6401::1', ['2002:c633:6401::22e8', '2001:db8:1::2'], '2002:c633:6401::22e8'],
    [
      'prefer temporary address',
      '2002:c633:6401:d5e3::1',
      ['2002:c633:6401:d5e3:7953:fd71:9d3d:1 temporary', '2002:c633:6401:d5e3::2'],
      '2002:c633:6401:d5e3:7953:fd71:9d3d:1',
    ],
  ])('%s to %s', (_, dst, candidates, expected) => {
    expect(select(dst, candidates)).toBe(expected)
  })

  it('rule 2: a link-local destination gets a link-local source', () => {
    expect(select('fe80::9', ['2001:db8::1', 'fe80::1'])).toBe('fe80::1')
    expect(select('ff02::1', ['2001:db8::1', 'fe80::1'])).toBe('fe80::1')
    expect(select('ff0e::1', ['2001:db8::1', 'fe80::1'])).toBe('2001:db8::1')
  })

  it('rule 3: avoids deprecated addresses', () => {
    expect(select('2001:db8:1::1', ['2001:db8:1::2 deprecated', '2001:db8:9::2'])).toBe('2001:db8:9::2')
    expect(select('2001:db8:1::1', ['2001:db8:1::2 deprecated'])).toBe('2001:db8:1::2')
  })

  it('rule 5.5: prefers the prefix that the next hop advertises', () => {
    const candidates = ['2001:db8:1::2 by fe80::1', '2001:db8:2::2 by fe80::2']
    expect(select('2001:db8:1::9', candidates, 'fe80::2')).toBe('2001:db8:2::2')
    expect(select('2001:db8:1::9', candidates, 'fe80::1')).toBe('2001:db8:1::2')
  })

  it('rule 6: unique local destinations get unique local sources', () => {
    expect(select('fd00:1::1', ['2001:db8::1', 'fd77::1'])).toBe('fd77::1')
    expect(select('2600::1', ['2001:db8::1', 'fd77::1'])).toBe('2001:db8::1')
  })

  it('rule 7: prefers temporary addresses, but not deprecated ones', () => {
    const stable = '2001:db8:1::2'
    expect(select('2001:db8:1::1', [stable, '2001:db8:1::ffff temporary'])).toBe('2001:db8:1::ffff')
    expect(select('2001:db8:1::1', [stable, '2001:db8:1::ffff temporary deprecated'])).toBe(stable)
  })

  it('RFC 4429 §2.1: an optimistic address is no better than a deprecated one', () => {
    expect(select('2001:db8:1::1', ['2001:db8:1::2 optimistic', '2001:db8:3::2'])).toBe('2001:db8:3::2')
    expect(select('2001:db8:1::1', ['2001:db8:1::2 optimistic'])).toBe('2001:db8:1::2')
  })

  it('rule 8: counts no bits beyond the prefix of the source', () => {
    const list = ['2001:db8:1::1/64', '2001:db8:1::2/64'].map(own)
    expect(selectSource(list, ipv6('2001:db8:1::3'), undefined)).toBe(list[0])
  })

  it('takes no address that is not in use', () => {
    expect(select('2001:db8:1::1', ['2001:db8:1::2 duplicate'])).toBeUndefined()
  })

  it('takes no link-local address through a router', () => {
    expect(select('2001:db8:1::1', ['fe80::1'], 'fe80::2')).toBeUndefined()
    expect(select('2001:db8:1::1', ['fe80::1'])).toBe('fe80::1')
  })
})
