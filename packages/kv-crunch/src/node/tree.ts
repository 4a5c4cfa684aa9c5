import { isUtf8 } from 'node:buffer'
import { readdir, realpath, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { Key } from '@fata/kv'

/** A file below a directory. */
export interface TreeFile {
  readonly key: Key
  readonly path: string
}

/** What is wrong with a file, so that no module can be made of the directory. */
export interface TreeProblem {
  readonly path: string
  readonly problem: string
}

export interface Tree {
  /** In Key order. */
  readonly files: readonly TreeFile[]
  readonly problems: readonly TreeProblem[]
  /** Of which the entries were read, the root first. */
  readonly directories: readonly string[]
}

/** The files at and below the directory; links are followed as far as they stay in there. Rejects when it cannot be read. */
export async function readTree(root: string): Promise<Tree> {
  const files: TreeFile[] = []
  const problems: TreeProblem[] = []
  const directories: string[] = []
  const top = await realpath(root)
  const visit = async (path: string, key: Key, above: readonly string[]): Promise<void> => {
    directories.push(path)
    for (const bytes of await readdir(path, { encoding: 'buffer' })) {
      const name = bytes.toString()
      const child = join(path, name)
      const problem = isUtf8(bytes) ? await look(child, key, name, above) : 'its name is not UTF-8'
      if (problem) problems.push({ path: child, problem })
    }
  }
  /** What is wrong with what is there, if anything is. */
  const look = async (
    path: string,
    parent: Key,
    name: string,
    above: readonly string[],
  ): Promise<string | undefined> => {
    const key = childKey(parent, name)
    if (!key) return 'its name is no key'
    const target = await realpath(path).catch(() => undefined)
    if (target === undefined) return 'a link that leads nowhere'
    if (target !== top && relative(top, target).split(sep)[0] === '..') return 'a link that leads out of the directory'
    if (above.includes(target)) return 'a link that leads in a circle'
    const kind = await stat(target)
    if (kind.isFile()) files.push({ key, path })
    else if (kind.isDirectory()) await visit(path, key, [...above, target])
    else return 'neither a file nor a directory'
    return undefined
  }
  await visit(root, Key.root, [top])
  files.sort((a, b) => Key.compare(a.key, b.key))
  problems.sort((a, b) => (a.path < b.path ? -1 : 1))
  return { files, problems, directories }
}

function childKey(parent: Key, name: string): Key | undefined {
  try {
    return parent.child(name)
  } catch {
    return undefined
  }
}
