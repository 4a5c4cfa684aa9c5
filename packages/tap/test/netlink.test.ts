import { readFileSync } from 'node:fs'
import { mac, prefix } from '@fata/addr'
import { fromHex, hex } from '@fata/bytes'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeMessage,
  encodeRequest,
  messageLength,
  messageSequence,
  type NetlinkRequest,
  nextMessage,
} from '../src/wire/netlink.ts'

// strace -e write=all ip link set tap9 up mtu 1400
const SET_LINK = `
  28000000 1000 0500 575b016b 00000000 0000 0000 02000000 01000000 01000000
  0800 0400 78050000`
// ip address add 10.9.0.1/24 broadcast 10.9.0.255 dev tap9
const ADD_IPV4 = `
  30000000 1400 0506 575b016b 00000000 02 18 00 00 02000000
  0800 0200 0a090001 0800 0400 0a0900ff 0800 0100 0a090001`
// ip address add fd09::1/64 dev tap9 nodad
const ADD_IPV6 = `
  40000000 1400 0506 575b016b 00000000 0a 40 02 00 02000000
  1400 0200 fd090000000000000000000000000001 1400 0100 fd090000000000000000000000000001`
// The kernel's answers: RTM_GETLINK of a name that does not exist, with the request quoted, and of tap9.
const NO_SUCH_LINK = `
  40000000 0200 0000 07000000 3d4e0000 edffffff
  2c000000 1200 0500 07000000 00000000 00000000000000000000000000000000 0900 0300 7461703900 000000`
const NEW_LINK = readFileSync(new URL('fixtures/newlink-tap9.hex', import.meta.url), 'utf8')
// RTM_GETADDR: both addresses in one datagram, then the end of the dump.
const ADDRESSES = `
  50000000 1400 0200 09000000 3d4e0000 02 18 80 00 02000000
  0800 0100 0a090001 0800 0200 0a090001 0900 0300 7461703900 000000 0800 0800 80000000
  1400 0600 ffffffffffffffffac8e0500ac8e0500
  48000000 1400 0200 09000000 3d4e0000 0a 40 82 00 02000000
  1400 0100 fd090000000000000000000000000001 1400 0600 ffffffffffffffffac8e0500ac8e0500 0800 0800 82000000`
const DONE = '14000000 0300 0200 09000000 3d4e0000 00000000'

const SEQUENCE = 0x6b015b57

function encoded(request: NetlinkRequest): string {
  const b = new Uint8Array(128).fill(0xa5)
  return hex(b, 0, encodeRequest(b, SEQUENCE, request))
}

function bytes(text: string): string {
  return hex(fromHex(text))
}

describe('rtnetlink requests', () => {
  it('encodes to the captured messages', () => {
    expect(encoded({ kind: 'set-link', index: 2, up: true, mtu: 1400 })).toBe(bytes(SET_LINK))
    expect(encoded({ kind: 'add-address', index: 2, address: prefix('10.9.0.1/24') })).toBe(bytes(ADD_IPV4))
    expect(encoded({ kind: 'add-address', index: 2, address: prefix('fd09::1/64') })).toBe(bytes(ADD_IPV6))
  })

  it('leaves out what is not asked for', () => {
    expect(encoded({ kind: 'set-link', index: 2, up: true })).toBe(bytes(SET_LINK).replace(/^28/, '20').slice(0, 64))
    expect(encoded({ kind: 'set-link', index: 2, mtu: 1400 })).toContain('000000000000000008000400')
    expect(encoded({ kind: 'add-address', index: 2, address: prefix('10.9.0.1/32') })).not.toContain('08000400')
  })

  it('asks for a link as the kernel quotes it', () => {
    const quoted = bytes(NO_SUCH_LINK).slice(40)
    const b = new Uint8Array(128).fill(0xa5)
    expect(hex(b, 0, encodeRequest(b, 7, { kind: 'get-link', name: 'tap9' }))).toBe(quoted)
  })

  it('fits into 128 bytes with the longest name', () => {
    const b = new Uint8Array(128)
    expect(encodeRequest(b, 1, { kind: 'get-link', name: 'fifteen-letters' })).toBe(52)
    expect(encodeRequest(b, 1, { kind: 'get-addresses' })).toBe(24)
  })
})

describe('rtnetlink answers', () => {
  it('decodes a refusal', () => {
    const b = fromHex(NO_SUCH_LINK)
    expect(messageLength(b, 0, b.length)).toBe(64)
    expect(messageSequence(b, 0)).toBe(7)
    expect(decodeMessage(b, 0, b.length)).toEqual({ kind: 'end', errno: 19 })
  })

  it('decodes the captured link', () => {
    const b = fromHex(NEW_LINK)
    expect(decodeMessage(b, 0, b.length)).toEqual({
      kind: 'link',
      index: 2,
      up: true,
      removed: false,
      name: 'tap9',
      mtu: 1500,
      mac: mac('02:00:00:00:00:09'),
      type: 'tun',
      packetInfo: false,
    })
    b[4] = 17
    b[hex(b).indexOf('0500040000') / 2 + 4] = 1
    expect(decodeMessage(b, 0, b.length)).toMatchObject({ kind: 'link', removed: true, packetInfo: true })
  })

  it('decodes the captured dump of addresses', () => {
    const b = fromHex(ADDRESSES + DONE)
    const seen: unknown[] = []
    for (let o = 0; o < b.length; ) {
      const length = messageLength(b, o, b.length) as number
      seen.push(decodeMessage(b, o, o + length))
      o = nextMessage(o, length)
    }
    expect(seen).toEqual([
      { kind: 'address', index: 2, address: prefix('10.9.0.1/24') },
      { kind: 'address', index: 2, address: prefix('fd09::1/64') },
      { kind: 'end', errno: 0 },
    ])
  })

  it('passes over what is of no interest', () => {
    const b = fromHex(ADDRESSES)
    b[4] = 24
    expect(decodeMessage(b, 0, 80)).toBeUndefined()
    b[4] = 20
    b[16] = 7
    expect(decodeMessage(b, 0, 80)).toBeUndefined()
  })

  it('refuses every truncated prefix', () => {
    const b = fromHex(NEW_LINK)
    for (let end = 0; end < b.length; end++) expect(messageLength(b, 0, end)).toBe('truncated')
    for (let end = 16; end < b.length; end++) expect(() => decodeMessage(b, 0, end)).not.toThrow()
    for (let end = 16; end < 32; end++) expect(decodeMessage(b, 0, end)).toBe('truncated')
    expect(decodeMessage(b, 0, 35)).toBe('truncated')
    expect(decodeMessage(fromHex(NO_SUCH_LINK), 0, 19)).toBe('truncated')
    expect(decodeMessage(fromHex(ADDRESSES), 0, 23)).toBe('truncated')
  })

  it('refuses lengths below their header', () => {
    const b = fromHex(NEW_LINK)
    b[32] = 3
    expect(decodeMessage(b, 0, b.length)).toBe('bad-length')
    b[0] = 15
    b[1] = 0
    expect(messageLength(b, 0, b.length)).toBe('bad-length')
  })

  it('neither throws nor hangs on noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 128 }), fc.constantFrom(2, 3, 16, 17, 20), (b, type) => {
        b[4] = type
        b[5] = 0
        decodeMessage(b, 0, b.length)
      }),
    )
  })
})
