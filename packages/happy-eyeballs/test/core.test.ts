import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HappyEyeballsOptions } from '../src/options.ts'
import { Script } from './support/script.ts'

describe('resolution (RFC 8305 §3)', () => {
  it('asks for AAAA, then at once for A', () => {
    expect(new Script().start()).toEqual(['resolve 6', 'resolve 4'])
  })

  it('connects as soon as AAAA has answered', () => {
    const s = new Script()
    s.start()
    expect(s.resolved(6, '2001:db8::1')).toEqual(['connect #0 2001:db8::1'])
  })

  it('lets A wait 50 ms for AAAA', () => {
    const s = new Script()
    s.start()
    expect(s.passes(20)).toEqual([])
    expect(s.resolved(4, '192.0.2.1')).toEqual([])
    expect(s.passes(200)).toEqual(['70: connect #0 192.0.2.1'])
  })

  it('prefers AAAA that comes within the delay', () => {
    const s = new Script()
    s.start()
    s.resolved(4, '192.0.2.1')
    s.passes(49)
    expect(s.resolved(6, '2001:db8::1')).toEqual(['connect #0 2001:db8::1'])
    expect(s.passes(250)).toEqual(['299: connect #1 192.0.2.1'])
  })

  it('goes on at once when there is no AAAA', () => {
    const s = new Script()
    s.start()
    s.resolved(4, '192.0.2.1')
    expect(s.resolved(6)).toEqual(['connect #0 192.0.2.1'])
  })

  it('does not wait for A when AAAA has failed before', () => {
    const s = new Script()
    s.start()
    expect(s.resolved(6)).toEqual([])
    expect(s.resolved(4, '192.0.2.1')).toEqual(['connect #0 192.0.2.1'])
  })

  it('waits for AAAA where there is no A', () => {
    const s = new Script()
    s.start()
    expect(s.resolved(4)).toEqual([])
    expect(s.passes(5000)).toEqual([])
    expect(s.resolved(6, '2001:db8::1')).toEqual(['connect #0 2001:db8::1'])
  })

  it('loses when neither has an address', () => {
    const s = new Script()
    s.start()
    s.resolved(6)
    expect(s.resolved(4)).toEqual(['lost after 0'])
    expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
  })

  it('takes addresses that come late between the others (§6)', () => {
    const s = new Script()
    s.start()
    s.resolved(4, '192.0.2.1 192.0.2.2 192.0.2.3')
    expect(s.passes(60)).toEqual(['50: connect #0 192.0.2.1'])
    expect(s.resolved(6, '2001:db8::1 2001:db8::2')).toEqual([])
    expect(s.passes(1100)).toEqual([
      '300: connect #1 2001:db8::1',
      '550: connect #2 192.0.2.2',
      '800: connect #3 2001:db8::2',
      '1050: connect #4 192.0.2.3',
    ])
  })

  it('ends although nobody answers', () => {
    const s = new Script({ resolveTimeoutMs: 3000 })
    s.start()
    expect(s.passes(10_000)).toEqual([
      '3000: resolve-timeout 6',
      '3000: abort-resolve 6',
      '3000: resolve-timeout 4',
      '3000: abort-resolve 4',
      '3000: lost after 0',
    ])
  })

  it('does not hang when AAAA never comes and the IPv4 address refuses', () => {
    const s = new Script({ resolveTimeoutMs: 3000 })
    s.start()
    s.resolved(4, '192.0.2.1')
    s.passes(50)
    expect(s.fails(0)).toEqual([])
    expect(s.passes(3000)).toEqual(['3000: resolve-timeout 6', '3000: abort-resolve 6', '3000: lost after 1'])
  })

  it('asks for one family alone, and does not wait for the other', () => {
    const s = new Script()
    expect(s.start(4)).toEqual(['resolve 4'])
    expect(s.resolved(4, '192.0.2.1')).toEqual(['connect #0 192.0.2.1'])
  })

  it('ignores an answer to what was not asked', () => {
    const s = new Script()
    s.start(4)
    expect(s.resolved(6, '2001:db8::1')).toEqual([])
  })
})

describe('attempts (RFC 8305 §5)', () => {
  it('follow each other by 250 ms, families in turn', () => {
    const s = new Script()
    s.startWith('192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2')
    expect(s.passes(1000)).toEqual([
      '250: connect #1 192.0.2.1',
      '500: connect #2 2001:db8::2',
      '750: connect #3 192.0.2.2',
    ])
  })

  it('begin with as many of the first family as wanted', () => {
    const s = new Script({ firstFamilyCount: 2, attemptDelayMs: 10 })
    expect(s.startWith('192.0.2.1 2001:db8::1 2001:db8::2 2001:db8::3')).toEqual(['connect #0 2001:db8::1'])
    expect(s.passes(30)).toEqual([
      '10: connect #1 2001:db8::2',
      '20: connect #2 192.0.2.1',
      '30: connect #3 2001:db8::3',
    ])
  })

  it('follow a failed one at once, but not within 10 ms of it', () => {
    const s = new Script()
    s.startWith('2001:db8::1 192.0.2.1 192.0.2.2')
    expect(s.fails(0)).toEqual([])
    expect(s.passes(100)).toEqual(['10: connect #1 192.0.2.1'])
    expect(s.fails(1)).toEqual(['connect #2 192.0.2.2'])
  })

  it('do not follow early when an older one fails', () => {
    const s = new Script()
    s.startWith('2001:db8::1 192.0.2.1 192.0.2.2')
    s.passes(260)
    expect(s.fails(0)).toEqual([])
    expect(s.passes(250)).toEqual(['500: connect #2 192.0.2.2'])
  })

  it('are aborted when one connects, also the queries', () => {
    const s = new Script()
    s.start()
    s.resolved(6, '2001:db8::1 2001:db8::2 2001:db8::3')
    s.passes(300)
    expect(s.connected(0)).toEqual(['abort-resolve 4', 'abort-connect #1', 'won #0'])
    expect(s.passes(100_000)).toEqual([])
    expect(s.connected(1)).toEqual([])
    expect(s.fails(1)).toEqual([])
    expect(s.resolved(4, '192.0.2.1')).toEqual([])
    expect(s.cancels()).toEqual([])
  })

  it('fail when they take too long', () => {
    const s = new Script({ attemptTimeoutMs: 1000 })
    s.startWith('2001:db8::1 192.0.2.1')
    expect(s.passes(5000)).toEqual([
      '250: connect #1 192.0.2.1',
      '1000: connect-timeout #0 2001:db8::1',
      '1000: abort-connect #0',
      '1250: connect-timeout #1 192.0.2.1',
      '1250: abort-connect #1',
      '1250: lost after 2',
    ])
  })

  it('are bounded', () => {
    const s = new Script({ maxAttempts: 2, attemptDelayMs: 10 })
    s.start()
    s.resolved(6, '2001:db8::1 2001:db8::2 2001:db8::3')
    expect(s.passes(1000)).toEqual(['10: connect #1 2001:db8::2'])
    s.fails(0)
    expect(s.fails(1)).toEqual(['abort-resolve 4', 'lost after 2'])
  })

  it('go to an address once', () => {
    const s = new Script({ attemptDelayMs: 10 })
    s.start()
    s.resolved(6, '2001:db8::1 2001:db8::1')
    s.resolved(4, '192.0.2.1 192.0.2.1')
    expect(s.passes(1000)).toEqual(['10: connect #1 192.0.2.1'])
  })

  it('lose at once without addresses', () => {
    expect(new Script().startWith('')).toEqual(['lost after 0'])
  })

  it('end when cancelled', () => {
    const s = new Script()
    s.start()
    s.resolved(6, '2001:db8::1')
    expect(s.cancels()).toEqual(['abort-resolve 4', 'abort-connect #0'])
    expect(s.passes(100_000)).toEqual([])
    expect(s.cancels()).toEqual([])
  })
})

describe('whatever happens', () => {
  const options: HappyEyeballsOptions = { maxAttempts: 5, attemptTimeoutMs: 700, resolveTimeoutMs: 2000 }
  const event = fc.oneof(
    fc.record({ kind: fc.constant('passes' as const), ms: fc.integer({ min: 0, max: 400 }) }),
    fc.record({ kind: fc.constantFrom('connected' as const, 'fails' as const), attempt: fc.nat(6) }),
    fc.record({
      kind: fc.constant('resolved' as const),
      family: fc.constantFrom(4 as const, 6 as const),
      hosts: fc.array(fc.nat(9), { maxLength: 4 }),
    }),
  )
  type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

  function play(s: Script, e: Event): string[] {
    switch (e.kind) {
      case 'passes':
        return s.passes(e.ms)
      case 'connected':
        return s.connected(e.attempt)
      case 'fails':
        return s.fails(e.attempt)
      case 'resolved':
        return s.resolved(e.family, e.hosts.map((h) => (e.family === 4 ? `192.0.2.${h}` : `2001:db8::${h}`)).join(' '))
      default:
        return e satisfies never
    }
  }

  it('a race ends once, keeps its distance and leaves nothing under way', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (events) => {
        const s = new Script(options)
        const lines = s.start().map((line) => ({ line, at: 0 }))
        const note = (more: string[]): void => {
          for (const line of more) {
            const timed = /^(\d+): (.*)$/.exec(line)
            lines.push(timed === null ? { line, at: s.now } : { line: timed[2]!, at: Number(timed[1]) })
          }
        }
        const failed = new Set<string>()
        for (const e of events) {
          if (e.kind === 'fails') failed.add(`#${e.attempt}`)
          note(play(s, e))
        }
        note(s.passes(100_000))
        const ends = lines.filter(({ line }) => /^(won|lost)/.test(line))
        expect(ends).toHaveLength(1)
        expect(lines.at(-1)).toBe(ends[0])
        expect(s.core.deadline()).toBe(Number.POSITIVE_INFINITY)
        const starts = lines.filter(({ line }) => /^connect #/.test(line))
        expect(starts.length).toBeLessThanOrEqual(5)
        expect(new Set(starts.map(({ line }) => line.split(' ')[2])).size).toBe(starts.length)
        for (let i = 1; i < starts.length; i++) expect(starts[i]!.at - starts[i - 1]!.at).toBeGreaterThanOrEqual(10)
        for (const { line } of starts) {
          const id = line.split(' ')[1]!
          const closed = lines.some((l) => l.line === `abort-connect ${id}` || l.line === `won ${id}`)
          expect(closed || failed.has(id)).toBe(true)
        }
      }),
    )
  })
})
