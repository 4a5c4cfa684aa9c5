import { hex } from '@fata/bytes'
import { describe, expect, it } from 'vitest'
import { foldName, formatLabel, nameEquals, parseName } from '../src/wire.ts'

const wire = (text: string): string | undefined => {
  const name = parseName(text)
  return name === undefined ? undefined : hex(name)
}

describe('names', () => {
  it.each([
    ['', '00'],
    ['.', '00'],
    ['a', '016100'],
    ['a.', '016100'],
    ['www.Example', '037777770745' + '78616d706c6500'],
    ['a\\.b.c', '03612e62016300'],
    ['\\\\', '015c00'],
    ['\\000\\255', '0200ff00'],
    ['a b', '0361206200'],
    ['x'.repeat(63), `3f${'78'.repeat(63)}00`],
  ])('%j is a name', (text, expected) => {
    expect(wire(text)).toBe(expected)
  })

  it.each(['..', 'a..b', '.a', 'a..', 'x'.repeat(64), 'é', 'a\\256', 'a\\', '\\é'])('%j is none', (text) => {
    expect(parseName(text)).toBeUndefined()
  })

  it('have at most 255 bytes', () => {
    const label = 'x'.repeat(63)
    const longest = `${label}.${label}.${label}.${'x'.repeat(61)}`
    expect(parseName(longest)).toHaveLength(255)
    expect(parseName(`${longest}.`)).toHaveLength(255)
    expect(parseName(`${longest}x`)).toBeUndefined()
    expect(parseName(`${label}.${label}.${label}.${'x'.repeat(60)}.y`)).toBeUndefined()
    expect(parseName('a.'.repeat(127))).toHaveLength(255)
    expect(parseName('a.'.repeat(128))).toBeUndefined()
  })

  it('escape what would be read otherwise', () => {
    const label = Uint8Array.from([0, 32, 46, 65, 92, 126, 127, 255])
    expect(formatLabel(label, 0, label.length)).toBe('\\000\\032\\.A\\\\~\\127\\255')
  })

  it('are equal whatever the case of ASCII letters and the final dot', () => {
    expect(nameEquals('WWW.example', 'www.EXAMPLE.')).toBe(true)
    expect(nameEquals('a', 'b')).toBe(false)
    expect(foldName('A\\.')).toBe('a\\.')
    expect(foldName('.')).toBe('')
  })
})
