import { formatIp, ip } from '@fata/addr'
import { EVERY_SOURCE, mergeFilters, passesFilter, type SourceFilter } from '@fata/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const of = (mode: 'include' | 'exclude', ...sources: string[]): SourceFilter => ({ mode, sources: sources.map(ip) })
const text = ({ mode, sources }: SourceFilter): string => `${mode} {${sources.map(formatIp)}}`

describe('source filters (RFC 3376 §3.2)', () => {
  it.each([
    ['nobody', [], 'include {}'],
    ['everybody', [EVERY_SOURCE, of('include', '10.0.0.1')], 'exclude {}'],
    [
      'the union of what is included',
      [of('include', '::1', '::2'), of('include', '::2', '::3')],
      'include {::1,::2,::3}',
    ],
    [
      'the intersection of what is excluded',
      [of('exclude', '10.0.0.1', '10.0.0.2', '10.0.0.2'), of('exclude', '10.0.0.3', '10.0.0.2')],
      'exclude {10.0.0.2}',
    ],
    [
      'what is excluded without what is included',
      [of('exclude', '10.0.0.1', '10.0.0.2'), of('include', '10.0.0.2', '10.0.0.9')],
      'exclude {10.0.0.1}',
    ],
  ])('merge to %s', (_, filters, expected) => expect(text(mergeFilters(filters))).toBe(expected))

  it('merged let pass what one of them does, and nothing else', () => {
    const source = fc.integer({ min: 1, max: 6 }).map((n) => ip(`10.0.0.${n}`))
    const filter = fc.record({
      mode: fc.constantFrom('include' as const, 'exclude' as const),
      sources: fc.array(source),
    })
    fc.assert(
      fc.property(fc.array(filter), source, (filters, from) => {
        expect(passesFilter(mergeFilters(filters), from)).toBe(filters.some((f) => passesFilter(f, from)))
      }),
    )
  })
})
