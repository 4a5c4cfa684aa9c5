import { createFlowPair } from '@fata/flow'
import { type FlowSuiteOptions, suite } from '@fata/flow/conformance'
import { describe, expect, it } from 'vitest'
import { DEFECTS, wrap } from './defects.ts'

describe('createFlowPair', () => {
  suite({ describe, it, create: () => createFlowPair() })
})

describe('createFlowPair with a small buffer and small chunks', () => {
  suite({ describe, it, create: () => createFlowPair({ bufferBytes: 1000, chunkBytes: 701 }) })
})

describe('a wrapped flow', () => {
  suite({
    describe,
    it,
    create() {
      const { a, b } = createFlowPair()
      return { a: wrap(a), b: wrap(b) }
    },
  })
})

/** Collects the tests that the suite declares. */
function collect(options: Omit<FlowSuiteOptions, 'describe' | 'it'>): Map<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>()
  suite({ ...options, describe: (_, body) => body(), it: (name, body) => tests.set(name, body) })
  return tests
}

describe('the suite', () => {
  it.each(DEFECTS.flatMap((defect) => defect.breaks.map((rule) => ({ ...defect, rule }))))(
    'finds a flow that $name: $rule',
    async ({ rule, create, supports = {} }) => {
      const body = collect({ create, supports }).get(rule)
      await expect(body?.()).rejects.toThrow()
    },
  )

  it('has a defect for every rule', () => {
    const rules = [
      ...collect({ create: createFlowPair }).keys(),
      ...collect({ create: createFlowPair, supports: { halfClose: false, reset: false } }).keys(),
    ]
    const found = DEFECTS.flatMap(({ breaks }) => breaks)
    expect([...new Set(rules)].sort()).toEqual([...new Set(found)].sort())
  })

  it('skips a rule with its reason, through the skip of the runner where there is one', () => {
    const skip = [{ name: 'keeps the first reason', reason: 'the device forgets' }]
    const title = 'keeps the first reason (skipped: the device forgets)'
    const plain = collect({ create: () => Promise.reject(new Error('created')), skip })
    expect(plain.has('keeps the first reason')).toBe(false)
    expect(plain.get(title)).toBeDefined()
    const skipped: string[] = []
    const runner = Object.assign(() => {}, { skip: (name: string) => skipped.push(name) })
    suite({ describe: (_, body) => body(), it: runner, create: createFlowPair, skip })
    expect(skipped).toEqual([title])
  })

  it('refuses to skip what is no rule', () => {
    expect(() => collect({ create: createFlowPair, skip: [{ name: 'typo', reason: '' }] })).toThrow(TypeError)
  })

  it('aborts both flows and disposes of the pair, also where the rule fails', async () => {
    const { a, b } = createFlowPair()
    let disposed = 0
    const tests = collect({
      create: () => ({
        a: wrap(a, { write: () => Promise.reject(new Error('no')) }),
        b,
        dispose: () => void disposed++,
      }),
    })
    await expect(tests.get('accepts a small write that nobody reads')!()).rejects.toThrow(
      'a small write that nobody reads failed',
    )
    expect(disposed).toBe(1)
    for (const flow of [a, b])
      await expect(flow.read()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_FLOW_/) })
  })
})
