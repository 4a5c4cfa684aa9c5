import { consoleLogger, type LogLevel, silentLogger, systemRuntime } from '@fata/runtime'
import { afterEach, describe, expect, it, vi } from 'vitest'

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
const lines: string[] = []
const spy = (): void => {
  vi.spyOn(console, 'error').mockImplementation((line: string) => void lines.push(line))
}

afterEach(() => {
  vi.restoreAllMocks()
  lines.length = 0
})

describe('consoleLogger', () => {
  it('writes one line with its fields', () => {
    spy()
    consoleLogger('debug').log('warn', 'arp', 'address conflict', { ip: '10.0.0.1', tries: 3, mac: undefined })
    consoleLogger('debug').log('debug', 'tcp', 'closed')
    expect(lines).toEqual(['warn arp: address conflict ip=10.0.0.1 tries=3 mac=undefined', 'debug tcp: closed'])
  })

  it.each([
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
    ['silent', 0],
  ] as const)('at level %s shows the %i levels from there on', (level, shown) => {
    spy()
    const log = consoleLogger(level)
    for (const l of LEVELS) log.log(l, 'test', l)
    expect(lines).toEqual(LEVELS.slice(4 - shown).map((l) => `${l} test: ${l}`))
    expect(LEVELS.map((l) => log.enabled(l))).toEqual(LEVELS.map((_, i) => i >= 4 - shown))
  })

  it('shows info and above by default', () => {
    expect(consoleLogger().enabled('info')).toBe(true)
    expect(consoleLogger().enabled('debug')).toBe(false)
  })

  it('refuses a level that it does not know', () => {
    expect(() => consoleLogger('verbose' as LogLevel)).toThrow(TypeError)
  })
})

describe('silentLogger', () => {
  it('shows nothing and is the default of a runtime', () => {
    spy()
    silentLogger.log('error', 'test', 'lost')
    expect(lines).toEqual([])
    expect(LEVELS.some((l) => silentLogger.enabled(l))).toBe(false)
    expect(systemRuntime().log).toBe(silentLogger)
    const log = consoleLogger()
    expect(systemRuntime(log).log).toBe(log)
  })
})
