import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { consoleLogger, systemRuntime } from '@fata/runtime'
import { parseBootArguments } from '@fata/stack'
import type { Command, OptionTable } from './command.ts'
import { dhcp } from './commands/dhcp.ts'
import { fetch } from './commands/fetch.ts'
import { iperf3 } from './commands/iperf3.ts'
import { ping } from './commands/ping.ts'
import { serve } from './commands/serve.ts'
import { services } from './commands/services.ts'
import { traceroute } from './commands/traceroute.ts'
import { describeError, exitStatus, UsageError } from './errors.ts'
import { commandHelp, overview } from './help.ts'
import { logLevel } from './values.ts'

const commands: Readonly<Record<string, Command>> = { serve, services, ping, traceroute, fetch, iperf3, dhcp }

const commonOptions: OptionTable = {
  help: { type: 'boolean', short: 'h' },
  pcap: { type: 'string' },
  mtu: { type: 'string' },
  'no-offload': { type: 'boolean' },
  log: { type: 'string' },
  socket: { type: 'boolean' },
}

/** Runs one command line, without the program's name, and returns the exit status: 0, 1 for a failure, 2 for wrong arguments. */
export async function main(args: readonly string[]): Promise<number> {
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    await dispatch(args, stop.signal)
    return 0
  } catch (error) {
    // Who was stopped has not failed.
    if (stop.signal.aborted && error === stop.signal.reason) return 0
    console.error(`fata: ${describeError(error)}`)
    return exitStatus(error)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
  }
}

async function dispatch(args: readonly string[], signal: AbortSignal): Promise<void> {
  const [word, ...others] = args
  if (word === undefined || word === 'help' || word === '--help' || word === '-h') return print(overview(commands))
  if (word === '--version') return print(version())
  const command = Object.hasOwn(commands, word) ? commands[word] : undefined
  if (command === undefined) {
    throw new UsageError(`no command '${word}'; there are ${Object.keys(commands).join(', ')} (see fata --help)`)
  }
  const { groups, rest } = parseBootArguments(others)
  const { values, positionals } = parseArgs({
    args: [...rest],
    options: { ...commonOptions, ...command.options },
    allowPositionals: true,
  })
  if (values['help'] === true) return print(commandHelp(word, command))
  await command.run({
    boot: groups.get('')!,
    groups: new Map([...groups].filter(([name]) => name !== '')),
    values: values as Record<string, string | boolean | undefined>,
    positionals,
    runtime: systemRuntime(consoleLogger(logLevel(values as Record<string, string>))),
    signal,
    print,
    note,
  })
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function note(line: string): void {
  process.stderr.write(`${line}\n`)
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}
