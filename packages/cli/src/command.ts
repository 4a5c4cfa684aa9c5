import type { ParseArgsConfig } from 'node:util'
import type { Runtime } from '@fata/runtime'
import type { BootArguments } from '@fata/stack'

/** Options as `node:util` parseArgs takes them. */
export type OptionTable = NonNullable<ParseArgsConfig['options']>

/** What a command is given to run with. */
export interface Context {
  /** Of the first interface. */
  readonly boot: BootArguments
  /** Of the others, by the prefix of their arguments. */
  readonly groups: ReadonlyMap<string, BootArguments>
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly positionals: readonly string[]
  readonly runtime: Runtime
  /** Aborts on SIGINT and SIGTERM: close everything and return. */
  readonly signal: AbortSignal
  /** Writes a line to standard output. */
  print(line: string): void
  /** Writes a line to standard error, beside output that is not for people. */
  note(line: string): void
}

/** One word behind `fata`. */
export interface Command {
  /** What follows the word in the usage line: `DIR`. */
  readonly operands: string
  readonly summary: string
  readonly options: OptionTable
  /** Lines for `--help`, one per option of the command's own. */
  readonly help: readonly string[]
  run(context: Context): Promise<void>
}
