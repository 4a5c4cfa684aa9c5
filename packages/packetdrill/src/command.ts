import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { MODES, type Mode } from './mode.ts'
import { modesOf, runScript, type Verdict } from './run.ts'
import type { Profile } from './settings.ts'

const USAGE = 'usage: npm run pkt -- [--profile linux|freebsd] [--relaxed] [--json] FILE|DIR...'

/** A script, and what came of it in each mode. */
interface Outcome {
  readonly file: string
  readonly modes: readonly { readonly mode: Mode; readonly verdict: Verdict }[]
}

function* scriptsIn(path: string): Generator<string> {
  if (statSync(path).isDirectory()) for (const name of readdirSync(path).sort()) yield* scriptsBelow(path, name)
  else yield path
}

function* scriptsBelow(folder: string, name: string): Generator<string> {
  const path = join(folder, name)
  if (statSync(path).isDirectory() || name.endsWith('.pkt')) yield* scriptsIn(path)
}

/** A script fails where it fails in any mode, and is skipped where it can run in none. */
function overall({ modes }: Outcome): Verdict['kind'] {
  if (modes.some(({ verdict }) => verdict.kind === 'fail')) return 'fail'
  return modes.some(({ verdict }) => verdict.kind === 'pass') ? 'pass' : 'skip'
}

function describe(outcome: Outcome): string {
  const { file, modes } = outcome
  const kind = overall(outcome)
  const told = modes.find(({ verdict }) => verdict.kind === kind && verdict.kind !== 'pass')
  if (told === undefined) return `${kind} ${file}`
  const { verdict, mode } = told
  return verdict.kind === 'pass' ? `${kind} ${file}` : `${kind} ${file}:${verdict.line}: ${mode}: ${verdict.message}`
}

/** The `pkt` command. Returns the exit code: 0 where nothing fails, 1 where something does, 2 for nonsense. */
export async function main(args: readonly string[]): Promise<number> {
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    console.error(`pkt: ${(error as Error).message}\n${USAGE}`)
    return 2
  }
  const counts = { pass: 0, fail: 0, skip: 0 }
  const outcomes: Outcome[] = []
  for (const file of parsed.files) {
    const text = readFileSync(file, 'utf8')
    const modes = []
    for (const mode of modesOf(text, MODES)) modes.push({ mode, verdict: await runScript(text, mode, parsed.options) })
    const outcome = { file, modes }
    counts[overall(outcome)]++
    outcomes.push(outcome)
    if (!parsed.json) console.log(describe(outcome))
  }
  if (parsed.json) console.log(JSON.stringify({ ...counts, scripts: outcomes }, undefined, 2))
  else console.log(`${counts.pass} passed, ${counts.fail} failed, ${counts.skip} skipped`)
  return counts.fail > 0 ? 1 : 0
}

function parse(args: readonly string[]): {
  files: string[]
  json: boolean
  options: { profile: Profile; relaxed: boolean }
} {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      profile: { type: 'string', default: 'linux' },
      relaxed: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  })
  const { profile, relaxed, json } = values
  if (profile !== 'linux' && profile !== 'freebsd') throw new Error(`no profile '${profile}'`)
  if (positionals.length === 0) throw new Error('no script is named')
  return { files: positionals.flatMap((path) => [...scriptsIn(path)]), json, options: { profile, relaxed } }
}
