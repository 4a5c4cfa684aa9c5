/** A file as the text of a module names it. */
export interface Piece {
  readonly key: string
  readonly size: number
  readonly sha256: string
  readonly base64?: string
  readonly deflate?: string
  /** Path from the module. */
  readonly asset?: string
}

export interface ModuleTextOptions {
  readonly lastModified: number
  readonly typescript: boolean
}

/** A module that exports `connect`, a line for each file. */
export function moduleText(pieces: readonly Piece[], { lastModified, typescript }: ModuleTextOptions): string {
  const names = typescript ? '{ type CrunchedModule, type KvRo, openCrunched }' : '{ openCrunched }'
  return `// Made by kv-crunch; do not edit.
import ${names} from '@fata/kv-crunch'

const crunched${typescript ? ': CrunchedModule' : ''} = {
  lastModified: ${lastModified},
  files: [
${pieces.map((piece) => `    ${pieceText(piece)},\n`).join('')}  ],
}

/** The files as a read-only store. */
export function connect()${typescript ? ': KvRo' : ''} {
  return openCrunched(crunched)
}
`
}

function pieceText({ key, size, sha256, base64, deflate, asset }: Piece): string {
  const fields = [`key: ${literal(key)}`, `size: ${size}`, `sha256: ${literal(sha256)}`]
  if (base64 !== undefined) fields.push(`base64: ${literal(base64)}`)
  if (deflate !== undefined) fields.push(`deflate: ${literal(deflate)}`)
  // In this form bundlers know that a file is meant.
  if (asset !== undefined)
    fields.push(
      `asset: new URL(${literal(`./${asset.split('/').map(encodeURIComponent).join('/')}`)}, import.meta.url)`,
    )
  return `{ ${fields.join(', ')} }`
}

/** ASCII alone, whatever reads the file. */
function literal(text: string): string {
  return JSON.stringify(text).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
