import type { LogLevel } from '@fata/runtime'
import { UsageError } from './errors.ts'

type Values = Readonly<Record<string, string | boolean | undefined>>

/** The whole number behind `--name`, or `fallback` where it was not given. Throws UsageError outside of `min..max`. */
export function integer(values: Values, name: string, fallback: number, min: number, max: number): number {
  const text = values[name]
  if (text === undefined) return fallback
  const value = Number(text)
  if (typeof text !== 'string' || !/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`--${name} must be a whole number in ${min}..${max}, not '${text}'`)
  }
  return value
}

/** The number behind `--name`, which may end with K, M or G: so many times `base`. Throws UsageError outside of `min..max`. */
export function scaledNumber(
  values: Values,
  name: string,
  fallback: number,
  base: 1000 | 1024,
  min: number,
  max: number,
): number {
  const text = values[name]
  if (text === undefined) return fallback
  const match = /^(\d+(?:\.\d+)?)([KMG]?)$/i.exec(String(text))
  const value =
    match === null ? Number.NaN : Math.round(Number(match[1]) * base ** ' KMG'.indexOf(match[2]!.toUpperCase() || ' '))
  if (!(value >= min && value <= max)) throw new UsageError(`--${name} must be a number with K, M or G, not '${text}'`)
  return value
}

/** The number of seconds behind `--name` in milliseconds, fractions allowed. Throws UsageError outside of `min..max` seconds. */
export function seconds(values: Values, name: string, fallback: number, min: number, max: number): number {
  const text = values[name] ?? String(fallback)
  const value = Number(text)
  if (typeof text !== 'string' || !/^\d+(\.\d+)?$/.test(text) || value < min || value > max) {
    throw new UsageError(`--${name} must be a number of seconds in ${min}..${max}, not '${text}'`)
  }
  return value * 1000
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

/** The level behind `--log`. */
export function logLevel(values: Values): LogLevel {
  const level = LEVELS.find((known) => known === (values['log'] ?? 'warn'))
  if (level === undefined) throw new UsageError(`--log must be one of ${LEVELS.join(', ')}, not '${values['log']}'`)
  return level
}
