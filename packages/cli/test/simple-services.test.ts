import { createFlowPair } from '@fata/flow'
import { describe, expect, it } from 'vitest'
import { chargen, chargenDatagram, chargenLines, discard, echo, mayAnswer } from '../src/simple-services.ts'

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

describe('RFC 864 character generator', () => {
  it('shifts by one character from line to line and comes round after 95', () => {
    const lines = text(chargenLines(0, 96)).split('\r\n')
    expect(lines[0]).toBe(' !"#$%&\'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefg')
    expect(lines[1]).toBe(`${lines[0]!.slice(1)}h`)
    expect(lines[95]).toBe(lines[0])
    expect(new Set(lines.slice(0, 95).map((line) => line.length))).toEqual(new Set([72]))
  })

  it('fills a datagram with whole lines, at most 512 characters', () => {
    const datagram = chargenDatagram(94)
    expect(datagram.length).toBe(444)
    expect(text(datagram).endsWith('\r\n')).toBe(true)
  })

  it('sends until the peer goes away', async () => {
    const { a, b } = createFlowPair()
    const service = chargen(a)
    expect(text((await b.read())!).startsWith(' !"#')).toBe(true)
    b.abort()
    await service
  })
})

describe('echo and discard', () => {
  it('sends everything back and ends with the peer', async () => {
    const { a, b } = createFlowPair()
    const service = echo(a)
    await b.write(new Uint8Array([1, 2, 3]))
    await b.shutdown()
    const got: number[] = []
    for await (const chunk of b) got.push(...chunk)
    await service
    expect(got).toEqual([1, 2, 3])
  })

  it('answers nothing', async () => {
    const { a, b } = createFlowPair()
    const service = discard(a)
    await b.write(new Uint8Array(1000))
    await b.shutdown()
    expect(await b.read()).toBeNull()
    await service
  })
})

it('leaves services of the same kind alone, which would answer for ever', () => {
  expect([7, 9, 19, 53, 1024].map(mayAnswer)).toEqual([false, false, false, true, true])
})
