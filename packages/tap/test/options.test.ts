import { mac, prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { checkOptions, type TapOptions } from '../src/options.ts'
import { refuseName } from '../src/wire/ifreq.ts'

describe('options', () => {
  it('have defaults', () => {
    expect(checkOptions({})).toEqual({
      up: true,
      offload: true,
      queueBytes: 1048576,
      lingerMs: 1000,
      devicePath: '/dev/net/tun',
      hostAddresses: [],
    })
  })

  it('take addresses as text, too', () => {
    const hostAddresses = ['10.0.0.1/24', prefix('fd00::1/64')]
    expect(checkOptions({ hostAddresses }).hostAddresses).toEqual([prefix('10.0.0.1/24'), prefix('fd00::1/64')])
  })

  const nonsense: [TapOptions, string][] = [
    [{ mtu: 67 }, 'RangeError'],
    [{ mtu: 65522 }, 'RangeError'],
    [{ mtu: 1500.5 }, 'RangeError'],
    [{ fd: -1 }, 'RangeError'],
    [{ queueBytes: -1 }, 'RangeError'],
    [{ sendBufferBytes: 0 }, 'RangeError'],
    [{ lingerMs: Number.NaN }, 'RangeError'],
    [{ mac: mac('01:00:5e:00:00:01') }, 'RangeError'],
    [{ mac: mac('00:00:00:00:00:00') }, 'RangeError'],
    [{ fd: 3, name: 'tap0' }, 'TypeError'],
    [{ hostAddresses: ['10.0.0.1'] }, 'TypeError'],
  ]
  it.each(nonsense)('refuse %j', (options, name) => {
    expect(() => checkOptions(options)).toThrow(expect.objectContaining({ name }))
  })
})

describe('names of interfaces', () => {
  it.each(['tap0', 'a', 'fifteen-letters', 'tap%d', 'töp'])('may be %s', (name) => {
    expect(refuseName(name)).toBeUndefined()
  })

  it.each(['', '.', '..', 'sixteen-letters-', 'acht-Umläute-ßä', 'a/b', 'a b', 'eth0:1', 'a\0'])(
    'may not be %j',
    (name) => {
      expect(refuseName(name)).toBeTypeOf('string')
    },
  )
})
