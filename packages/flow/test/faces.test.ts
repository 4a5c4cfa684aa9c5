import { createFlowPair, FlowError, iterateFlow, readAll, toWebStreams } from '@fata/flow'
import { suite } from '@fata/flow/conformance'
import { createVirtualClock } from '@fata/runtime'
import { describe, expect, it } from 'vitest'
import { wrap } from './defects.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('readAll', () => {
  it('joins all chunks up to the end', async () => {
    const { a, b } = createFlowPair()
    await a.write(bytes(1, 2))
    await a.write(bytes(3))
    const all = readAll(b)
    await a.shutdown()
    expect(await all).toEqual(bytes(1, 2, 3))
    expect(await readAll(b)).toEqual(bytes())
  })

  it('gives up at its limit and leaves the flow open', async () => {
    const { a, b } = createFlowPair()
    await a.write(bytes(1, 2))
    await a.write(bytes(3))
    await expect(readAll(b, { limitBytes: 2 })).rejects.toMatchObject({ code: 'ERR_FLOW_TOO_LONG' })
    await a.write(bytes(4))
    await a.shutdown()
    expect(await readAll(b, { limitBytes: 1 })).toEqual(bytes(4))
  })

  it('gives up by signal', async () => {
    const { b } = createFlowPair()
    const abort = new AbortController()
    const all = readAll(b, { signal: abort.signal })
    const reason = new Error('no time')
    abort.abort(reason)
    await expect(all).rejects.toBe(reason)
  })
})

describe('iterateFlow', () => {
  it('reads no further than it is asked to', async () => {
    const { a, b } = createFlowPair()
    await a.write(bytes(1))
    await a.write(bytes(2))
    const chunks = iterateFlow(b)
    expect((await chunks.next()).value).toEqual(bytes(1))
    expect(await b.read()).toEqual(bytes(2))
  })
})

describe('toWebStreams', () => {
  it('reads nothing before it is asked to', async () => {
    const { a, b } = createFlowPair()
    await a.write(bytes(1))
    const { readable } = toWebStreams(b)
    await turn()
    expect(await b.read()).toEqual(bytes(1))
    await a.shutdown()
    expect(await readable.getReader().read()).toEqual({ done: true, value: undefined })
  })

  it('has the back-pressure of the flow', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 1 })
    const writer = toWebStreams(a).writable.getWriter()
    let written = false
    const write = writer.write(bytes(1, 2)).then(() => {
      written = true
    })
    await turn()
    expect([written, writer.desiredSize]).toEqual([false, 0])
    await b.read()
    await write
    expect(writer.desiredSize).toBe(1)
  })

  it('shuts down when writable is closed', async () => {
    const { a, b } = createFlowPair()
    await toWebStreams(a).writable.close()
    expect(await b.read()).toBeNull()
    await b.write(bytes(1))
    expect(await a.read()).toEqual(bytes(1))
  })

  it('aborts when readable is cancelled, also while it reads', async () => {
    const { a, b } = createFlowPair()
    const reader = toWebStreams(a).readable.getReader()
    const reading = reader.read()
    const reason = new Error('enough')
    await reader.cancel(reason)
    expect(await reading).toEqual({ done: true, value: undefined })
    await expect(a.write(bytes(1))).rejects.toBe(reason)
    await expect(b.read()).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
  })

  it('aborts when writable is aborted, also while a write or the shutdown waits', async () => {
    for (const close of [false, true]) {
      const { a, b } = createFlowPair({ bufferBytes: 1 })
      const writer = toWebStreams(a).writable.getWriter()
      const waiting = close ? [writer.write(bytes(1, 2)), writer.close()] : [writer.write(bytes(1, 2))]
      const settled = Promise.allSettled(waiting)
      const reason = new Error('enough')
      await writer.abort(reason).catch(() => {})
      expect((await settled).map(({ status }) => status)).toContain('rejected')
      await expect(a.read()).rejects.toBe(reason)
      await expect(b.read()).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
    }
  })

  it('fails with the flow, on both sides', async () => {
    const { a, b } = createFlowPair()
    const { readable, writable } = toWebStreams(a)
    const reading = readable.getReader().read()
    b.abort()
    await expect(reading).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
    await expect(writable.getWriter().write(bytes(1))).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
  })
})

describe('FlowError', () => {
  it('carries a code and a cause', () => {
    const cause = new Error('why')
    expect(new FlowError('ERR_FLOW_CLOSED', 'closed', { cause })).toMatchObject({
      name: 'FlowError',
      code: 'ERR_FLOW_CLOSED',
      message: 'closed',
      cause,
    })
  })
})

// Bytes are on their way for a minute, and no real time passes.
describe('the suite in virtual time', () => {
  suite({
    describe,
    it,
    create() {
      const clock = createVirtualClock()
      const { a, b } = createFlowPair()
      const later = (): Promise<void> => new Promise((resolve) => void clock.schedule(clock.now() + 60_000, resolve))
      const slow = (flow: typeof a) =>
        wrap(flow, {
          write: (chunk, options) => {
            const written = flow.write(chunk, options)
            return options === undefined ? written.then(later) : written
          },
          shutdown: () => flow.shutdown().then(later),
        })
      return { a: slow(a), b: slow(b), run: (done) => clock.run(done, clock.now() + 3_600_000) }
    },
  })
})
