import { formatPrefix, ipv6Prefix } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import { harness } from './harness.ts'

describe('a host that starts', () => {
  it('reports its groups, probes its addresses, announces itself and solicits routers', () => {
    const h = harness({ addresses: [ipv6Prefix('fd00::a/64')] })
    expect(h.lines()).toEqual([])
    h.advance(3000)
    expect(h.lines()).toEqual([
      '33:33:00:00:00:16 :: > ff02::16: to-exclude ff02::1:ff00:a',
      '33:33:ff:00:00:0a :: > ff02::1:ff00:a: NS fe80::ff:fe00:a nonce',
      '33:33:ff:00:00:0a :: > ff02::1:ff00:a: NS fd00::a nonce',
      '33:33:00:00:00:16 :: > ff02::16: to-exclude ff02::1:ff00:a',
      '33:33:00:00:00:16 fe80::ff:fe00:a > ff02::16: to-exclude ff02::1:ff00:a',
      '33:33:00:00:00:02 fd00::a > ff02::2: NA fd00::a ',
      '33:33:00:00:00:02 fe80::ff:fe00:a > ff02::2: RS',
      '33:33:00:00:00:16 fe80::ff:fe00:a > ff02::16: to-exclude ff02::1:ff00:a',
    ])
    expect(h.layer.addresses().map(formatPrefix)).toEqual(['fe80::ff:fe00:a/64', 'fd00::a/64'])
  })
})
