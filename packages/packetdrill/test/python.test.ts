import { describe, expect, it } from 'vitest'
import { Mismatch, Unsupported } from '../src/errors.ts'
import { runPython, type Value } from '../src/python.ts'

const names = (): Map<string, Value> => new Map<string, Value>([['tcpi_snd_cwnd', 10]])

describe('the small Python', () => {
  it.each([
    'assert tcpi_snd_cwnd == 10',
    'assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd',
    'assert (tcpi_snd_cwnd & 2) != 0 and not 0',
    'assert 1 < 2 < 3 <= 3',
    'assert 7 // 2 == 3 and -7 % 3 == 2 and 7 / 2 == 3.5',
    'assert 2 ** 3 == 8 and 1 << 4 == 0x10 and 5 ^ 1 == 4 and ~1 == -2',
    'assert abs(-3) == 3 and max(1, 5, 2) == 5 and min([4, 3]) == 3',
    "assert 'cwnd=%d' % tcpi_snd_cwnd == 'cwnd=10'",
    "assert '%s/%d' % ('a', 3) == 'a/3'",
    'x = 5; y = x + 1\nassert y == 6',
    'assert (1 if tcpi_snd_cwnd > 5 else 2) == 1',
    'assert 3 in (1, 2, 3) and 4 not in [1]',
    'assert (1 ==\n  1)  # within parentheses\nprint("x")',
    'assert True and None == None and 0 or 1',
  ])('%s', (code) => {
    runPython(code, names())
  })

  it.each(['assert tcpi_snd_cwnd == 11', 'assert 0', 'assert 1 > 2, 3', 'assert 1 and 0', 'assert 2 < 1 < 3'])(
    'fails: %s',
    (code) => {
      expect(() => runPython(code, names())).toThrow(Mismatch)
    },
  )

  it('says what failed', () => {
    expect(() => runPython("assert tcpi_snd_cwnd == 11, 'cwnd=%d' % tcpi_snd_cwnd", names())).toThrow('cwnd=10')
  })

  it.each(['import os', 'assert unknown == 1', 'assert f(1)', 'for x in y: pass', 'assert 1 @ 2'])(
    'is not all of Python: %s',
    (code) => {
      expect(() => runPython(code, names())).toThrow(Unsupported)
    },
  )
})
