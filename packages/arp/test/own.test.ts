import { ipv4 } from '@fata/addr'
import { describe, expect, it } from 'vitest'
import {
  bareScript,
  OTHER,
  OTHER_MAC,
  OWN,
  OWN_MAC,
  PEER,
  PEER_MAC,
  probe,
  reply,
  request,
  script,
} from './support/script.ts'

const ANNOUNCE = 'to all: who-has 10.0.0.1 tell 10.0.0.1'
const CONFLICT = '02:00:00:00:00:02 uses 10.0.0.1'

describe('an address of ours (RFC 5227 §2.3)', () => {
  it('is announced at once and again after two seconds', () => {
    const s = bareScript()
    s.core.addAddress(s.now, OWN)
    expect(s.outputs()).toEqual([ANNOUNCE])
    expect(s.passes(60_000)).toEqual([`2000: ${ANNOUNCE}`])
    expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('is announced only when it is new', () => {
    const s = script()
    s.core.addAddress(s.now, OWN)
    s.core.setAddresses(s.now, [OWN, OTHER, OTHER])
    expect(s.outputs()).toEqual(['to all: who-has 10.0.0.3 tell 10.0.0.3'])
    expect(s.core.addresses()).toEqual([OWN, OTHER])
  })

  it('is not announced when it has gone meanwhile', () => {
    const s = bareScript()
    s.core.addAddress(s.now, OWN)
    s.core.removeAddress(OWN)
    s.outputs()
    expect(s.passes(60_000)).toEqual([])
  })

  it('is known by our own hardware address', () => {
    const s = script()
    expect(s.core.lookup(OWN)).toBe(OWN_MAC)
    s.core.removeAddress(OWN)
    expect(s.core.lookup(OWN)).toBeUndefined()
  })

  it('takes the place of a neighbour', () => {
    const s = script()
    s.core.setStatic(PEER, PEER_MAC)
    s.core.addAddress(s.now, PEER)
    expect(s.core.lookup(PEER)).toBe(OWN_MAC)
    expect(s.core.entries().size).toBe(0)
  })
})

describe('somebody else who uses our address (RFC 5227 §2.4)', () => {
  it.each([
    ['a request', request(PEER_MAC, OWN, OTHER)],
    ['a reply', reply(PEER_MAC, OWN, OTHER)],
    ['an announcement', request(PEER_MAC, OWN, OWN)],
  ])('is met with one announcement: %s', (_name, packet) => {
    const s = script()
    expect(s.arrives(packet)).toBeUndefined()
    expect(s.outputs()).toEqual([ANNOUNCE, `${CONFLICT}, defended`])
    expect(s.core.entries().size).toBe(0)
  })

  it('is not met again within ten seconds, and reported once', () => {
    const s = script()
    for (const later of [0, 5000, 4999]) {
      s.now += later
      s.arrives(request(PEER_MAC, OWN, OWN))
    }
    expect(s.outputs()).toEqual([ANNOUNCE, `${CONFLICT}, defended`, `${CONFLICT}, not defended`])
  })

  it('is met again after ten seconds', () => {
    const s = script()
    s.arrives(request(PEER_MAC, OWN, OWN))
    s.now += 10_000
    s.arrives(request(PEER_MAC, OWN, OWN))
    expect(s.outputs()).toEqual([ANNOUNCE, `${CONFLICT}, defended`, ANNOUNCE, `${CONFLICT}, defended`])
  })

  it('is counted for each address by itself', () => {
    const s = script()
    s.core.addAddress(s.now, OTHER)
    s.outputs()
    s.arrives(request(PEER_MAC, OWN, OWN))
    s.arrives(request(OTHER_MAC, OTHER, OTHER))
    expect(s.outputs()).toHaveLength(4)
  })

  it('is not answered when it asks us', () => {
    const s = script()
    s.core.addAddress(s.now, OTHER)
    s.outputs()
    s.arrives(request(PEER_MAC, OWN, OTHER))
    expect(s.outputs()).toEqual([ANNOUNCE, `${CONFLICT}, defended`])
  })

  it('is no conflict when it only probes: it is answered', () => {
    const s = script()
    s.arrives(probe(PEER_MAC, OWN))
    expect(s.outputs()).toEqual(['to 02:00:00:00:00:02: 0.0.0.0 hear that 10.0.0.1 is-at 02:00:00:00:00:01'])
  })

  it('is no conflict when it is our own echo', () => {
    const s = script()
    expect(s.arrives(request(OWN_MAC, OWN, OWN))).toBe('own-echo')
    expect(s.outputs()).toEqual([])
  })

  it('is no conflict over an address that we have given up', () => {
    const s = script()
    s.core.setAddresses(s.now, [ipv4('10.0.0.77')])
    s.outputs()
    expect(s.arrives(request(PEER_MAC, OWN, OWN))).toBe('not-for-us')
  })
})
