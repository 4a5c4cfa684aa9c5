import { ipv4 } from '@fata/addr'
import { checksum, fromHex, hex, u16 } from '@fata/bytes'
import { PROTOCOL_TCP, pseudoHeaderSum } from '@fata/ip'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ACK, CHECKSUM, createTcpHeader, decode, encode, formatFlags, PSH, quotedPorts, SYN, URG } from '../src/wire.ts'

// 10.9.7.1.58800 > 10.9.7.2.80: Flags [S], cksum 0xf209 (correct), seq 633771605, win 64240,
// options [mss 1460,sackOK,TS val 2227704329 ecr 0,nop,wscale 10], length 0
const LINUX_SYN = fromHex('e5b0005025c6965500000000a002faf0f2090000020405b40402080a84c81209000000000103030a')
// 10.9.7.1.58800 > 10.9.7.2.80: Flags [P.U], cksum 0x829c (correct), seq 633771611, ack 2092245819, win 63, urg 1,
// options [nop,nop,TS val 2227704338 ecr 2503033476], length 1
const LINUX_URGENT = fromHex('e5b0005025c6965b7cb5233b8038003f829c00010101080a84c812129531428421')

const header = {
  srcPort: 58800,
  dstPort: 80,
  seq: 633771605,
  ack: 0,
  headerLen: 40,
  flags: SYN,
  window: 64240,
  checksum: 0xf209,
  urgent: 0,
}

describe('TCP header', () => {
  it('decodes the captured packet', () => {
    expect(decode(LINUX_SYN, 0, LINUX_SYN.length)).toEqual(header)
    expect(decode(LINUX_URGENT, 0, LINUX_URGENT.length)).toEqual({
      ...header,
      seq: 633771611,
      ack: 2092245819,
      headerLen: 32,
      flags: PSH | ACK | URG,
      window: 63,
      checksum: 0x829c,
      urgent: 1,
    })
  })

  it('encodes to the captured packet', () => {
    const b = new Uint8Array(24).fill(0xa5)
    encode(b, 2, header)
    expect(hex(b, 2, 22)).toBe(hex(LINUX_SYN, 0, 20))
    expect([b[0], b[1], b[22], b[23]]).toEqual([0xa5, 0xa5, 0xa5, 0xa5])
  })

  it('carries the checksum that Linux computed', () => {
    for (const b of [LINUX_SYN, LINUX_URGENT]) {
      const pseudo = pseudoHeaderSum(ipv4('10.9.7.1'), ipv4('10.9.7.2'), PROTOCOL_TCP, b.length)
      expect(checksum(b, 0, b.length, pseudo)).toBe(0)
      const cleared = b.slice()
      cleared.fill(0, CHECKSUM, CHECKSUM + 2)
      expect(checksum(cleared, 0, cleared.length, pseudo)).toBe(u16(b, CHECKSUM))
    }
  })

  it('refuses every truncated prefix', () => {
    for (let n = 0; n < 20; n++) expect(decode(LINUX_SYN, 0, n)).toBe('truncated')
    for (let n = 20; n < 40; n++) expect(decode(LINUX_SYN, 0, n)).toBe('bad-offset')
  })

  it('refuses a data offset below 5 words or beyond the segment', () => {
    for (let words = 0; words < 16; words++) {
      const b = LINUX_SYN.slice()
      b[12] = words << 4
      expect(typeof decode(b, 0, b.length)).toBe(words < 5 || words > 10 ? 'string' : 'object')
    }
  })

  it('refuses port 0', () => {
    for (const at of [0, 2]) {
      const b = LINUX_SYN.slice()
      b[at] = b[at + 1] = 0
      expect(decode(b, 0, b.length)).toBe('zero-port')
    }
  })

  it('ignores reserved bits and reads AE', () => {
    const b = LINUX_SYN.slice()
    b[12] = 0xae
    expect(decode(b, 0, b.length)).toMatchObject({ flags: SYN })
    b[12] = 0xaf
    expect(decode(b, 0, b.length)).toMatchObject({ flags: SYN | 0x100 })
  })

  it('decodes what it encodes', () => {
    const port = fc.integer({ min: 1, max: 65535 })
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
    const half = fc.nat(65535)
    const any = fc.record({
      srcPort: port,
      dstPort: port,
      seq: word,
      ack: word,
      headerLen: fc.integer({ min: 5, max: 15 }).map((words) => words * 4),
      flags: fc.nat(0x1ff),
      window: half,
      checksum: half,
      urgent: half,
    })
    fc.assert(
      fc.property(any, fc.nat(9), (h, off) => {
        const b = new Uint8Array(80).fill(0xa5)
        encode(b, off, h)
        expect(decode(b, off, off + h.headerLen, createTcpHeader())).toEqual(h)
      }),
    )
  })

  it('reads the 8 bytes that ICMP quotes', () => {
    expect(quotedPorts(LINUX_SYN, 0)).toEqual({ srcPort: 58800, dstPort: 80, seq: 633771605 })
  })

  it('names flags', () => {
    expect(formatFlags(SYN | ACK)).toBe('SYN|ACK')
  })
})
