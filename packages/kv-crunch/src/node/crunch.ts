import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { moduleText, type Piece } from './module-text.ts'
import { readTree, type TreeFile, type TreeProblem } from './tree.ts'

const MIB = 1024 * 1024

/** Which know base64. */
type NodeBytes = ReturnType<typeof deflateRawSync>

export interface CrunchOptions {
  /** Only files whose names end so, such as `.html`; default all. */
  readonly ext?: readonly string[] | undefined
  /** Deflates what becomes smaller by it. Default false. */
  readonly compress?: boolean | undefined
  /** The directory for files beside the module, relative to it: files of at least `assetMinBytes` go there. Default none does. */
  readonly assets?: string | undefined
  /** Default 64 KiB. */
  readonly assetMinBytes?: number | undefined
  /** Milliseconds since 1970, of every file; default SOURCE_DATE_EPOCH, which is in seconds, else 0. */
  readonly lastModified?: number | undefined
  /** Whether the text may have types. Default false. */
  readonly typescript?: boolean | undefined
  /** Bytes within the module; more is refused. Default 64 MiB. */
  readonly maxBytes?: number | undefined
}

/** A file to be written beside the module. */
export interface CrunchAsset {
  readonly name: string
  readonly bytes: Uint8Array
}

export interface Crunched {
  /** The text of the module, the same for the same files. */
  readonly code: string
  readonly assets: readonly CrunchAsset[]
  /** How many files are in the module, and of how many bytes. */
  readonly files: number
  readonly bytes: number
  /** What the module was made of: files and directories. */
  readonly sources: readonly string[]
}

/** A directory of which no module can be made: every file that is in the way. */
export class CrunchError extends Error {
  readonly problems: readonly TreeProblem[]

  constructor(problems: readonly TreeProblem[]) {
    super(problems.map(({ path, problem }) => `${JSON.stringify(path)}: ${problem}`).join('\n'))
    this.name = 'CrunchError'
    this.problems = problems
  }
}

/** Makes a module of the files of a directory. Rejects with CrunchError, RangeError, and as Node does when it cannot be read. */
export async function crunch(directory: string, options: CrunchOptions = {}): Promise<Crunched> {
  const { ext, compress = false, typescript = false, maxBytes = 64 * MIB } = options
  const lastModified = timeOf(options)
  const { files: all, problems, directories } = await readTree(directory)
  if (problems.length > 0) throw new CrunchError(problems)
  const files = ext ? all.filter(({ path }) => ext.some((end) => path.endsWith(end))) : all
  const assets = new Map<string, CrunchAsset>()
  const pieces: Piece[] = []
  let embedded = 0
  let total = 0
  for (const file of files) {
    const bytes = await readFile(file.path)
    const sha256 = createHash('sha256').update(bytes).digest()
    total += bytes.length
    const asset = assetOf(file, bytes, sha256.toString('hex'), options)
    if (asset) assets.set(asset.name, asset)
    else embedded += bytes.length
    if (embedded > maxBytes) throw new CrunchError([{ path: file.path, problem: tooMuch(maxBytes) }])
    const how = asset ? { asset: asset.name } : embed(bytes, compress)
    pieces.push({ key: file.key.segments.join('/'), size: bytes.length, sha256: sha256.toString('base64'), ...how })
  }
  return {
    code: moduleText(pieces, { lastModified, typescript }),
    assets: [...assets.values()],
    files: files.length,
    bytes: total,
    sources: [...directories, ...files.map(({ path }) => path)],
  }
}

function tooMuch(maxBytes: number): string {
  return `with it the module has more than ${maxBytes} bytes; keep large files beside it`
}

/** Named by its bytes, so that equal files are one, and caches may keep it. */
function assetOf(
  { path }: TreeFile,
  bytes: Uint8Array,
  sha256: string,
  { assets, assetMinBytes = 64 * 1024 }: CrunchOptions,
): CrunchAsset | undefined {
  if (assets === undefined || bytes.length < assetMinBytes) return undefined
  const extension = /^\.\w+$/.exec(extname(path))?.[0] ?? '.bin'
  return { name: `${assets}/${sha256.slice(0, 20)}${extension}`, bytes }
}

function embed(bytes: NodeBytes, compress: boolean): Pick<Piece, 'base64' | 'deflate'> {
  const deflated = compress ? deflateRawSync(bytes, { level: 9 }) : bytes
  if (deflated.length < bytes.length) return { deflate: deflated.toString('base64') }
  return { base64: bytes.toString('base64') }
}

/** Throws RangeError. */
function timeOf({ lastModified }: CrunchOptions): number {
  const epoch = process.env['SOURCE_DATE_EPOCH']
  const time = lastModified ?? (epoch ? Number(epoch) * 1000 : 0)
  if (Number.isSafeInteger(time) && time >= 0) return time
  throw new RangeError(
    lastModified === undefined ? `SOURCE_DATE_EPOCH is no time: ${epoch}` : 'lastModified is no time',
  )
}
