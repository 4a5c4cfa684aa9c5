import { formatIp, prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { interleave, type SourceAddress, selectSource, sortDestinations } from '../src/index.ts'
import { ips } from './support/script.ts'

/** `2001:db8::1/64` or, deprecated, `2001:db8::1/64!`, or, temporary, `2001:db8::1/64~`. */
function sources(text: string): SourceAddress[] {
  return text.split(' ').map((s) => ({
    prefix: prefix(s.replace(/[!~]$/, '')),
    deprecated: s.endsWith('!'),
    temporary: s.endsWith('~'),
  }))
}

function sorted(destinations: string, from?: string): string {
  return sortDestinations(ips(destinations), from === undefined ? undefined : sources(from))
    .map(formatIp)
    .join(' ')
}

describe('destinations, the examples of RFC 6724 §10.2', () => {
  it.each([
    [
      'matching scope',
      '198.51.100.121 2001:db8:1::1',
      '2001:db8:1::2/64 fe80::1/64 169.254.13.78/16',
      '2001:db8:1::1 198.51.100.121',
    ],
    [
      'matching scope, no global IPv6',
      '2001:db8:1::1 198.51.100.121',
      'fe80::1/64 198.51.100.117/24',
      '198.51.100.121 2001:db8:1::1',
    ],
    [
      'higher precedence',
      '10.1.2.3 2001:db8:1::1',
      '2001:db8:1::2/64 fe80::1/64 10.1.2.4/24',
      '2001:db8:1::1 10.1.2.3',
    ],
    ['smaller scope', '2001:db8:1::1 fe80::1', '2001:db8:1::2/64 fe80::2/64', 'fe80::1 2001:db8:1::1'],
    ['deprecated', 'fe80::1 2001:db8:1::1', '2001:db8:1::2/64 fe80::2/64!', '2001:db8:1::1 fe80::1'],
    [
      'longest prefix',
      '2001:db8:3ffe::1 2001:db8:1::1',
      '2001:db8:1::2/64 2001:db8:3f44::2/64 fe80::2/64',
      '2001:db8:1::1 2001:db8:3ffe::1',
    ],
    [
      'matching label',
      '2001:db8:1::1 2002:c633:6401::1',
      '2002:c633:6401::2/64 fe80::2/64',
      '2002:c633:6401::1 2001:db8:1::1',
    ],
    [
      'precedence over 6to4',
      '2002:c633:6401::1 2001:db8:1::1',
      '2002:c633:6401::2/64 2001:db8:1::2/64 fe80::2/64',
      '2001:db8:1::1 2002:c633:6401::1',
    ],
  ])('%s', (_rule, destinations, from, expected) => {
    expect(sorted(destinations, from)).toBe(expected)
  })
})

describe('destinations', () => {
  it('without a source come last (rule 1)', () => {
    expect(sorted('2001:db8::1 192.0.2.1', '192.0.2.9/24')).toBe('192.0.2.1 2001:db8::1')
  })

  it('keep their order where no rule applies, so that a server may rotate them', () => {
    expect(sorted('198.51.100.2 198.51.100.1 203.0.113.1', '192.0.2.9/0')).toBe('198.51.100.2 198.51.100.1 203.0.113.1')
    expect(sorted('192.0.2.9 192.0.2.1')).toBe('192.0.2.9 192.0.2.1')
  })

  it('are sorted by precedence and scope alone where no sources are known', () => {
    expect(sorted('192.0.2.1 fd00::1 2001:db8::1 ::1 2002::1 2001::1 ::7 fec0::1 3ffe::1 fe80::1')).toBe(
      '::1 fe80::1 2001:db8::1 192.0.2.1 2002::1 2001::1 fd00::1 fec0::1 ::7 3ffe::1',
    )
  })

  it('compare prefixes of one family only, in every word', () => {
    const from = '2001:db8::1/128 10.0.0.1/32'
    expect(sorted('2001:db8::8 2001:db8::2', from)).toBe('2001:db8::2 2001:db8::8')
    expect(sorted('2001:db8:0:1::1 2001:db8:0:0:1::1', from)).toBe('2001:db8::1:0:0:1 2001:db8:0:1::1')
    expect(sorted('10.0.0.8 10.0.0.2', from)).toBe('10.0.0.2 10.0.0.8')
  })
})

describe('sources (RFC 6724 §5)', () => {
  it.each([
    ['the same address', '2001:db8::1', '2001:db8::1/64! 2001:db8::2/64', '2001:db8::1'],
    ['the smallest scope that reaches', 'fe80::9', '2001:db8::1/64 fe80::1/64', 'fe80::1'],
    ['the largest scope where none reaches', '2001:db8::9', 'fe80::1/64 fec0::1/64', 'fec0::1'],
    ['one that is not deprecated', '2001:db8::9', '2001:db8::1/64! 2001:db9::1/64', '2001:db9::1'],
    ['a matching label', 'fd00::9', '2001:db8::1/64 fd01::1/64', 'fd01::1'],
    ['a temporary one', '2001:db8::9', '2001:db8::1/64 2001:db9::1/64~', '2001:db9::1'],
    ['the longest prefix', '2001:db8::9', '2001:db9::1/64 2001:db8::1/64', '2001:db8::1'],
    ['one of the family', '192.0.2.1', '2001:db8::1/64 10.0.0.1/8', '10.0.0.1'],
    ['the first otherwise', '203.0.113.1', '10.0.0.1/8 10.0.0.2/8', '10.0.0.1'],
  ])('are chosen by: %s', (_rule, destination, from, expected) => {
    expect(formatIp(selectSource(ips(destination)[0]!, sources(from))!.prefix.address)).toBe(expected)
  })

  it('are none where the host has none of the family', () => {
    expect(selectSource(ips('192.0.2.1')[0]!, sources('2001:db8::1/64'))).toBeUndefined()
  })
})

describe('families', () => {
  it.each([
    ['', 1, ''],
    ['::1 ::2 ::3', 1, '::1 ::2 ::3'],
    ['::1 ::2 ::3 10.0.0.1 10.0.0.2', 1, '::1 10.0.0.1 ::2 10.0.0.2 ::3'],
    ['10.0.0.1 10.0.0.2 ::1 ::2 ::3', 1, '10.0.0.1 ::1 10.0.0.2 ::2 ::3'],
    ['::1 ::2 ::3 10.0.0.1', 2, '::1 ::2 10.0.0.1 ::3'],
    ['::1 10.0.0.1', 5, '::1 10.0.0.1'],
  ])('take turns in %s', (list, count, expected) => {
    expect(interleave(ips(list), count).map(formatIp).join(' ')).toBe(expected)
  })
})
