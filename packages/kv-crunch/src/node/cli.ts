import { mkdir, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { type CrunchOptions, crunch } from './crunch.ts'

const USAGE = `Usage: kv-crunch DIR -o FILE [options]

Makes a module of the files of a directory, which exports connect(): a read-only store of @fata/kv.

  -o, --output FILE  the module: .ts, .js or .mjs
  --ext EXT          only files whose names end so; again for more, or with commas: .html,.css
  --compress         deflates what becomes smaller by it
  --asset            keeps files of at least 64 KiB beside the module, in FILE.assets
  -h, --help         shows this

The time of every file is SOURCE_DATE_EPOCH (seconds since 1970), or 0: the same files make the same module.`

export interface Output {
  readonly out: (line: string) => void
  readonly error: (line: string) => void
}

/** Runs the command; its exit status: 0, 1 when no module could be made, 2 for arguments that are none. */
export async function main(args: readonly string[], { out, error }: Output): Promise<number> {
  let command: Command | undefined
  try {
    command = parse(args)
  } catch (problem) {
    error(`kv-crunch: ${(problem as Error).message}`)
    return 2
  }
  if (!command) {
    out(USAGE)
    return 0
  }
  try {
    out(await run(command))
    return 0
  } catch (problem) {
    for (const line of (problem as Error).message.split('\n')) error(`kv-crunch: ${line}`)
    return 1
  }
}

interface Command {
  readonly directory: string
  readonly output: string
  readonly options: CrunchOptions
}

/** undefined when help is asked for. Throws an Error that says what is wrong. */
function parse(args: readonly string[]): Command | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      ext: { type: 'string', multiple: true },
      compress: { type: 'boolean' },
      asset: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return undefined
  const [directory, ...more] = positionals
  if (directory === undefined) throw new Error('which directory? kv-crunch DIR -o FILE')
  if (more.length > 0) throw new Error(`one directory, got ${JSON.stringify(more[0])} as well`)
  const { output, compress, asset } = values
  if (output === undefined) throw new Error('where to? -o FILE')
  if (!/\.m?[tj]s$/.test(output)) throw new Error(`${output}: a module ends in .ts, .js or .mjs`)
  const ext = values.ext?.flatMap((one) => one.split(',')).filter((one) => one !== '')
  const assets = asset ? `${basename(output)}.assets` : undefined
  return { directory, output, options: { ext, compress, assets, typescript: output.endsWith('ts') } }
}

async function run({ directory, output, options }: Command): Promise<string> {
  if (relative(resolve(directory), resolve(output)).split(sep)[0] !== '..') {
    throw new Error(`${output} lies in ${directory}, and would be a file of it`)
  }
  const { code, assets, files, bytes } = await crunch(directory, options)
  await mkdir(dirname(output), { recursive: true })
  for (const asset of assets) await replace(join(dirname(output), asset.name), asset.bytes)
  await replace(output, code)
  const beside = assets.length > 0 ? `, ${assets.length} beside it` : ''
  return `${output}: ${files} files, ${bytes} bytes${beside}`
}

/** Nobody reads half a file. */
async function replace(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}`
  await writeFile(temporary, content)
  await rename(temporary, path)
}
