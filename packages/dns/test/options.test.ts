import { endpoint, ip } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { defaults, settings } from '../src/options.ts'

describe('the options', () => {
  it('have defaults', () => {
    expect(settings({})).toEqual(defaults)
  })

  it('take servers as addresses and as endpoints, domains with a final dot', () => {
    const servers = [ip('10.0.0.1'), ip('fd00::1'), endpoint('10.0.0.2:5353'), endpoint('[fd00::2]:5353')]
    const s = settings({ servers, search: ['a.b.', 'c'] })
    expect(s.servers).toEqual(['10.0.0.1:53', '[fd00::1]:53', '10.0.0.2:5353', '[fd00::2]:5353'].map(endpoint))
    expect(s.search).toEqual(['a.b', 'c'])
  })

  it.each([
    ['ndots', 16],
    ['timeoutMs', 0],
    ['tries', 11],
    ['tcpTimeoutMs', '1'],
    ['penaltyMs', -1],
    ['udpPayloadBytes', 511],
    ['cacheEntries', 65537],
    ['maxTtlMs', Number.NaN],
    ['maxNegativeTtlMs', 1.5],
    ['maxAliases', 65],
    ['maxQueries', 0],
    ['maxLookups', 0],
  ])('refuse %s of %s and name it', (name, value) => {
    expect(() => settings({ [name]: value })).toThrow(new RegExp(`^${name} must be`))
    expect(() => settings({ [name]: value })).toThrow(RangeError)
  })

  it('refuse servers and domains that are none', () => {
    expect(() => settings({ servers: [{ address: ip('10.0.0.1'), port: 65536 }] })).toThrow(RangeError)
    expect(() => settings({ search: ['a..b'] })).toThrow(TypeError)
    expect(() => settings({ search: new Array(33).fill('a') })).toThrow(RangeError)
  })
})
