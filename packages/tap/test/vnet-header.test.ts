import { fromHex } from '@fata/bytes'
import { createFrameMeta, type FrameMeta } from '@fata/net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeVnetHeader, encodeVnetHeader, VNET_HEADER } from '../src/wire/vnet-header.ts'

// Read from a TAP while Linux 6.18 sent TCP over IPv4: the header, then the first bytes of a super-frame.
const CAPTURED = fromHex(`
  01 01 3600 b405 2200 1000
  8e735487aa7f 020000000001 0800
  4500 1cac a049 4000 4006 6a00 0a000001 0a000002
  d08c 0007 c4b01080 000003e9 5018 003f 30a1 0000 6661746166617461`)
const HEADERS = 14 + 20 + 20

function metaOf(fields: Partial<FrameMeta>): FrameMeta {
  return { ...createFrameMeta(), ...fields }
}

const SUPER_FRAME = metaOf({
  checksum: 'partial',
  checksumStart: VNET_HEADER + 34,
  checksumOffset: 16,
  gso: 'tcp4',
  gsoSize: 1460,
})

describe('virtio_net_hdr', () => {
  it('decodes the captured header', () => {
    const meta = createFrameMeta()
    expect(decodeVnetHeader(CAPTURED, 0, CAPTURED.length, meta)).toBeUndefined()
    expect(meta).toEqual(SUPER_FRAME)
  })

  it('encodes to the captured header', () => {
    const b = CAPTURED.slice()
    b.fill(0xa5, 0, VNET_HEADER)
    encodeVnetHeader(b, 0, VNET_HEADER + HEADERS, SUPER_FRAME)
    expect(b).toEqual(CAPTURED)
  })

  it('writes zeros for a frame that is complete', () => {
    for (const meta of [undefined, createFrameMeta(), metaOf({ checksum: 'valid' })]) {
      const b = new Uint8Array(64).fill(0xa5)
      encodeVnetHeader(b, 4, 64, meta)
      expect(b.subarray(4, 14)).toEqual(new Uint8Array(VNET_HEADER))
      expect([b[3], b[14]]).toEqual([0xa5, 0xa5])
    }
  })

  it('says of a sent frame with CWR that it has ECN, and hides that of a received one', () => {
    const b = CAPTURED.slice()
    b[VNET_HEADER + 34 + 13]! |= 0x80
    encodeVnetHeader(b, 0, VNET_HEADER + HEADERS, SUPER_FRAME)
    expect(b[1]).toBe(0x81)
    const meta = createFrameMeta()
    expect(decodeVnetHeader(b, 0, b.length, meta)).toBeUndefined()
    expect(meta.gso).toBe('tcp4')
  })

  it('never says that there are more headers than bytes', () => {
    const b = CAPTURED.slice()
    b[VNET_HEADER + 34 + 12] = 0xf0
    encodeVnetHeader(b, 0, VNET_HEADER + HEADERS, SUPER_FRAME)
    expect(b[2]).toBe(HEADERS)
  })

  it('knows a checksum that the device verified', () => {
    const meta = metaOf({ checksumStart: 9, gso: 'tcp6' })
    expect(decodeVnetHeader(fromHex('02 00 0000 0000 0000 0000 60'), 0, 11, meta)).toBeUndefined()
    expect(meta).toEqual(metaOf({ checksum: 'valid' }))
  })

  it('refuses every truncated prefix', () => {
    for (let end = 0; end < VNET_HEADER; end++)
      expect(decodeVnetHeader(CAPTURED, 0, end, createFrameMeta())).toBe('truncated')
    for (let end = VNET_HEADER; end < VNET_HEADER + 34 + 18; end++)
      expect(decodeVnetHeader(CAPTURED, 0, end, createFrameMeta())).toBe('bad-checksum-position')
  })

  it('refuses kinds of super-frames that were not asked for', () => {
    for (const type of [2, 3, 5, 0x83]) {
      const b = CAPTURED.slice()
      b[1] = type
      expect(decodeVnetHeader(b, 0, b.length, createFrameMeta())).toBe('unknown-gso')
    }
  })

  it('comes back as it was', () => {
    const metas = fc.record({
      checksum: fc.constant('partial' as const),
      checksumStart: fc.integer({ min: 26, max: 80 }),
      checksumOffset: fc.integer({ min: 0, max: 18 }),
      gso: fc.constantFrom('none' as const, 'tcp4' as const, 'tcp6' as const),
      gsoSize: fc.integer({ min: 1, max: 65535 }),
    })
    fc.assert(
      fc.property(metas, (meta) => {
        const b = new Uint8Array(128).fill(0xa5)
        if (meta.gso === 'none') meta.gsoSize = 0
        encodeVnetHeader(b, 16, 128, meta)
        const read = createFrameMeta()
        expect(decodeVnetHeader(b, 16, 128, read)).toBeUndefined()
        expect(read).toEqual(meta)
      }),
    )
  })
})
