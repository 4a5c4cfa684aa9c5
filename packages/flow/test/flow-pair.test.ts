import { concatBytes } from '@fata/bytes'
import { createFlowPair, type Flow, readAll } from '@fata/flow'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Whether the promise has settled by itself. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false
  const note = (): void => {
    done = true
  }
  promise.then(note, note)
  await turn()
  return done
}

describe('createFlowPair', () => {
  it.each([{ bufferBytes: 0 }, { bufferBytes: Number.NaN }, { chunkBytes: 0 }, { chunkBytes: -1 }])(
    'refuses %j',
    (options) => {
      expect(() => createFlowPair(options)).toThrow(RangeError)
    },
  )

  it('refuses what is no Uint8Array at once', () => {
    const { a } = createFlowPair()
    expect(() => a.write('text' as unknown as Uint8Array)).toThrow(TypeError)
    expect(() => a.write([1] as unknown as Uint8Array)).toThrow(TypeError)
    expect(() => a.write(Buffer.from('text'))).not.toThrow()
  })

  it('gives chunks as written, by reference', async () => {
    const { a, b } = createFlowPair()
    const chunk = bytes(1, 2, 3)
    await a.write(chunk)
    await a.write(bytes(4))
    expect(await b.read()).toBe(chunk)
    expect(await b.read()).toEqual(bytes(4))
  })

  it('cuts chunks where it is told to', async () => {
    const { a, b } = createFlowPair({ chunkBytes: 2 })
    const waiting = b.read()
    await a.write(bytes(1, 2, 3, 4, 5))
    expect([await waiting, await b.read(), await b.read()]).toEqual([bytes(1, 2), bytes(3, 4), bytes(5)])
  })

  it('gives no chunk larger than its buffer', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 2 })
    const write = a.write(bytes(1, 2, 3, 4, 5))
    expect(await b.read()).toEqual(bytes(1, 2))
    expect(await settled(write)).toBe(false)
    expect(await b.read()).toEqual(bytes(3, 4))
    await write
  })

  it('lets a write wait while more than the buffer is unread', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 3 })
    await a.write(bytes(1, 2))
    await a.write(bytes(3))
    const waiting = a.write(bytes(4))
    const behind = a.write(bytes(5))
    expect(await settled(waiting)).toBe(false)
    await b.read()
    expect([await settled(waiting), await settled(behind)]).toEqual([true, true])
  })

  it('carries any chunks through any buffer in any direction', async () => {
    const chunks = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 10 })
    const options = fc.record({
      bufferBytes: fc.integer({ min: 1, max: 30 }),
      chunkBytes: fc.integer({ min: 1, max: 9 }),
    })
    const send = async (flow: Flow, list: Uint8Array[]): Promise<void> => {
      for (const chunk of list) await flow.write(chunk)
      await flow.shutdown()
    }
    await fc.assert(
      fc.asyncProperty(chunks, chunks, options, async (east, west, sizes) => {
        const { a, b } = createFlowPair(sizes)
        const [, , atB, atA] = await Promise.all([send(a, east), send(b, west), readAll(b), readAll(a)])
        expect([atB, atA]).toEqual([concatBytes(east), concatBytes(west)])
      }),
    )
  })

  it('tells a writer that the other end was closed, once it writes', async () => {
    const { a, b } = createFlowPair()
    await a.write(bytes(1))
    await b.write(bytes(2))
    await b.close()
    await expect(a.write(bytes(3))).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
    expect([await a.read(), await a.read()]).toEqual([bytes(2), null])
    await expect(a.shutdown()).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
    await a.close()
  })

  it('tells a writer that waits that the other end was closed', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 1 })
    const waiting = a.write(bytes(1, 2))
    await b.close()
    await expect(waiting).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
  })

  it('finishes to close when the other end closes, too', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 1 })
    a.write(bytes(1, 2)).catch(() => {})
    const closing = a.close()
    expect(await settled(closing)).toBe(false)
    await b.close()
    await closing
  })

  it('closes when the other end has read enough', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 1 })
    const write = a.write(bytes(1, 2))
    const closing = a.close()
    expect(await settled(closing)).toBe(false)
    expect([await b.read(), await b.read(), await b.read()]).toEqual([bytes(1), bytes(2), null])
    await Promise.all([write, closing])
  })

  it('shows no end before bytes that an abort has thrown away', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 2 })
    await a.write(bytes(1))
    a.write(bytes(2, 3)).catch(() => {})
    a.shutdown().catch(() => {})
    a.abort()
    expect(await b.read()).toEqual(bytes(1))
    await expect(b.read()).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
  })

  it('shows an end that came before an abort', async () => {
    const { a, b } = createFlowPair()
    await a.write(bytes(1))
    await a.shutdown()
    a.abort()
    expect([await b.read(), await b.read()]).toEqual([bytes(1), null])
    await expect(b.write(bytes(2))).rejects.toMatchObject({ code: 'ERR_FLOW_RESET' })
  })

  it('stays failed when it is closed after that', async () => {
    const { a } = createFlowPair()
    const reason = new Error('enough')
    a.abort(reason)
    await a.close()
    await expect(a.read()).rejects.toBe(reason)
    await expect(a.write(bytes(1))).rejects.toBe(reason)
  })

  it('leaves no listener on a signal behind', async () => {
    const { a, b } = createFlowPair({ bufferBytes: 1 })
    const { signal } = new AbortController()
    let listeners = 0
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }
    const read = b.read({ signal })
    expect(listeners).toBe(1)
    await a.write(bytes(1))
    await read
    const write = a.write(bytes(1, 2), { signal })
    await turn()
    expect(listeners).toBe(1)
    await b.read({ signal })
    await write
    expect(listeners).toBe(0)
  })
})
