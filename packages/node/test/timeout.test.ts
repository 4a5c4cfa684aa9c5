import type { FlowDuplex } from '@fata/node'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { duplexPair, idle } from './support.ts'

// setImmediate and nextTick stay real: only time is virtual.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

function counting(stream: FlowDuplex): () => number {
  let timeouts = 0
  stream.on('timeout', () => timeouts++)
  return () => timeouts
}

describe('setTimeout', () => {
  it('emits timeout after silence, once until something happens', async () => {
    const { client, server } = duplexPair()
    const timeouts = counting(client)
    expect(client.setTimeout(1000)).toBe(client)
    expect(client.timeout).toBe(1000)
    vi.advanceTimersByTime(999)
    expect(timeouts()).toBe(0)
    vi.advanceTimersByTime(1)
    expect(timeouts()).toBe(1)
    vi.advanceTimersByTime(60_000)
    expect([timeouts(), client.destroyed]).toEqual([1, false])
    server.write('x')
    await idle()
    vi.advanceTimersByTime(1000)
    expect(timeouts()).toBe(2)
  })

  it('waits while something is read or written', async () => {
    const { client, server } = duplexPair()
    const timeouts = counting(client)
    client.setTimeout(1000)
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(900)
      if (i % 2 === 0) client.write('out')
      else server.write('in')
      await idle()
    }
    expect(timeouts()).toBe(0)
    vi.advanceTimersByTime(1000)
    expect(timeouts()).toBe(1)
  })

  it('calls its listener once', () => {
    const { client } = duplexPair()
    let calls = 0
    client.setTimeout(10, () => calls++)
    vi.advanceTimersByTime(10)
    client.setTimeout(10)
    vi.advanceTimersByTime(10)
    expect(calls).toBe(1)
  })

  it('is switched off by 0, with the listener that is given again', () => {
    const { client } = duplexPair()
    const timeouts = counting(client)
    const listener = (): void => {}
    client.setTimeout(10, listener)
    client.setTimeout(0, listener)
    vi.advanceTimersByTime(1000)
    expect([timeouts(), client.timeout, client.listenerCount('timeout')]).toEqual([0, 0, 1])
  })

  it('ends with the stream', async () => {
    const { client } = duplexPair()
    const timeouts = counting(client)
    client.setTimeout(10)
    client.destroy()
    client.setTimeout(10)
    await idle()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(1000)
    expect(timeouts()).toBe(0)
  })

  it('refuses what is no time', () => {
    const { client } = duplexPair()
    for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => client.setTimeout(ms)).toThrow(RangeError)
    expect(() => client.setTimeout('5' as unknown as number)).toThrow(TypeError)
  })

  it('takes times beyond the longest of the platform', () => {
    const { client } = duplexPair()
    const timeouts = counting(client)
    client.setTimeout(1e12)
    vi.advanceTimersByTime(1000)
    expect(timeouts()).toBe(0)
  })
})
