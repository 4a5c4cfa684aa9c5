/** `silent` shows nothing. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/**
 * Where log lines go. `source` is the package or part that speaks (`'arp'`). `message` is a constant text; what varies goes into
 * `fields`. Build fields only where `enabled(level)` says so: on the packet path the answer is normally no.
 */
export interface Logger {
  enabled(level: Exclude<LogLevel, 'silent'>): boolean
  log(
    level: Exclude<LogLevel, 'silent'>,
    source: string,
    message: string,
    fields?: Readonly<Record<string, unknown>>,
  ): void
}

const ORDER: readonly LogLevel[] = ['debug', 'info', 'warn', 'error', 'silent']

/** Drops everything: the default. */
export const silentLogger: Logger = { enabled: () => false, log: () => {} }

/** One line per message on the console's error stream; fields as `name=value`, by `String`. Throws a TypeError on an unknown level. */
export function consoleLogger(level: LogLevel = 'info'): Logger {
  const least = ORDER.indexOf(level)
  if (least < 0) throw new TypeError(`a log level is one of ${ORDER.join(', ')}, got '${level}'`)
  const enabled = (l: LogLevel): boolean => ORDER.indexOf(l) >= least
  return {
    enabled,
    log(l, source, message, fields) {
      if (!enabled(l)) return
      const rest = Object.entries(fields ?? {}).map(([name, value]) => ` ${name}=${String(value)}`)
      console.error(`${l} ${source}: ${message}${rest.join('')}`)
    },
  }
}
