import { concat, encodeText, fromBinary, fromHex, toBinary, toHex } from './bytes.ts'
import { fromEntryName, isDotGit } from './names.ts'

/** What an entry is: as git writes it, octal without leading zeros. */
export type Mode = '100644' | '100755' | '120000' | '160000' | '40000'

export interface Entry {
  readonly mode: Mode
  /** Of the object, in hex. */
  readonly id: string
}

/** Entries by name, one character for each byte of it. Not to be changed. */
export type Tree = ReadonlyMap<string, Entry>

export const EMPTY_TREE: Tree = new Map()
export const EMPTY_TREE_ID = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'

const SPACE = 0x20
const ID_LEN = 20
/** The modes of old gits mean files. */
const FILE_MODE = /^100[0-7]{3}$/
const MODES = new Set(['100644', '100755', '120000', '160000', '40000'])

export type Malformed = 'truncated' | 'bad mode' | 'bad name' | 'duplicate name' | 'bad order'

/** The content of a tree object: `mode SP name NUL id`, again and again. Never throws. */
export function decodeTree(bytes: Uint8Array): Tree | Malformed {
  const tree = new Map<string, Entry>()
  let last = ''
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(SPACE, at)
    const nul = bytes.indexOf(0, space + 1)
    if (space < 0 || nul < 0 || nul + 1 + ID_LEN > bytes.length) return 'truncated'
    const mode = toMode(toBinary(bytes.subarray(at, space)))
    if (mode === undefined) return 'bad mode'
    const name = toBinary(bytes.subarray(space + 1, nul))
    if (isBadName(name)) return 'bad name'
    const order = orderOf(name, mode)
    if (tree.has(name)) return 'duplicate name'
    if (last !== '' && order <= last) return 'bad order'
    last = order
    tree.set(name, { mode, id: toHex(bytes.subarray(nul + 1, nul + 1 + ID_LEN)) })
    at = nul + 1 + ID_LEN
  }
  return tree
}

/** In git's order, whatever that of the map is. */
export function encodeTree(tree: Tree): Uint8Array {
  const ordered = [...tree].map(([name, entry]) => ({ name, entry, order: orderOf(name, entry.mode) }))
  ordered.sort((a, b) => (a.order < b.order ? -1 : 1))
  return concat(
    ...ordered.flatMap(({ name, entry }) => {
      return [encodeText(`${entry.mode} `), fromBinary(`${name}\0`), fromHex(entry.id)]
    }),
  )
}

export function isTree(entry: Entry): boolean {
  return entry.mode === '40000'
}

export function isBlob(entry: Entry): boolean {
  return entry.mode === '100644' || entry.mode === '100755'
}

function toMode(text: string): Mode | undefined {
  if (MODES.has(text)) return text as Mode
  if (text === '040000') return '40000'
  return FILE_MODE.test(text) ? '100644' : undefined
}

function isBadName(name: string): boolean {
  if (name === '' || name === '.' || name === '..' || name.includes('/')) return true
  return isDotGit(fromEntryName(name) ?? name)
}

/** Trees sort as if their names ended with a slash. */
function orderOf(name: string, mode: Mode): string {
  return mode === '40000' ? `${name}/` : name
}
