import { describe, expect, it } from 'vitest'
import {
  checkOffload,
  countDrop,
  createFrameMeta,
  createNetStats,
  type FrameMeta,
  NO_OFFLOAD,
  type Offload,
  resetFrameMeta,
  resetNetStats,
} from '../src/index.ts'

describe('NetStats', () => {
  it('starts at zero with no reasons', () => {
    const zero = { rxFrames: 0, rxBytes: 0, txFrames: 0, txBytes: 0, rxDropped: {}, txDropped: {} }
    expect(createNetStats()).toEqual(zero)
  })

  it('counts drops by reason', () => {
    const { rxDropped, txDropped } = createNetStats()
    countDrop(rxDropped, 'too-long')
    countDrop(rxDropped, 'too-long')
    countDrop(rxDropped, 'no-listener')
    expect(rxDropped).toEqual({ 'too-long': 2, 'no-listener': 1 })
    expect(txDropped).toEqual({})
  })

  it('is reset in place, so that readers keep their reference', () => {
    const stats = createNetStats()
    const { rxDropped } = stats
    stats.rxFrames = stats.rxBytes = stats.txFrames = stats.txBytes = 7
    countDrop(rxDropped, 'x')
    countDrop(stats.txDropped, 'y')
    resetNetStats(stats)
    expect(stats).toEqual(createNetStats())
    expect(stats.rxDropped).toBe(rxDropped)
  })
})

describe('FrameMeta', () => {
  it('says nothing when created and when reset', () => {
    const meta: FrameMeta = { checksum: 'partial', checksumStart: 34, checksumOffset: 16, gso: 'tcp4', gsoSize: 1448 }
    resetFrameMeta(meta)
    expect(meta).toEqual(createFrameMeta())
    expect(meta).toMatchObject({ checksum: 'none', gso: 'none' })
  })
})

describe('checkOffload', () => {
  const meta = (changes: Partial<FrameMeta>): FrameMeta => ({ ...createFrameMeta(), ...changes })
  const only = (claim: Partial<Offload>): Offload => ({ ...NO_OFFLOAD, ...claim })
  const gso4 = meta({ checksum: 'partial', gso: 'tcp4', gsoSize: 1000 })
  const gso6 = meta({ checksum: 'partial', gso: 'tcp6', gsoSize: 1000 })
  const unsupported = expect.objectContaining({ code: 'ERR_NET_UNSUPPORTED' })

  it('lets complete frames through everywhere', () => {
    checkOffload(meta({}), NO_OFFLOAD)
    checkOffload(meta({ checksum: 'valid' }), NO_OFFLOAD)
  })

  it('lets through what is claimed, and nothing else', () => {
    checkOffload(meta({ checksum: 'partial' }), only({ checksum: true }))
    checkOffload(gso4, only({ checksum: true, tso4: true }))
    checkOffload(gso6, only({ checksum: true, tso6: true }))
    expect(() => checkOffload(meta({ checksum: 'partial' }), NO_OFFLOAD)).toThrow(unsupported)
    expect(() => checkOffload(gso4, only({ checksum: true, tso6: true }))).toThrow(unsupported)
    expect(() => checkOffload(gso6, only({ checksum: true, tso4: true }))).toThrow(unsupported)
  })

  it('refuses contradictions', () => {
    const all = only({ checksum: true, tso4: true, tso6: true })
    expect(() => checkOffload(meta({ gso: 'tcp4', gsoSize: 1000 }), all)).toThrow(TypeError)
    expect(() => checkOffload(meta({ checksum: 'partial', gso: 'tcp6' }), all)).toThrow(TypeError)
  })
})
