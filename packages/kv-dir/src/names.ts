import { isSegment, type Key, KvError } from '@fata/kv'

/** The store's own directory in the root, and the beginning of every name that is the store's own. */
export const OWN = '.kv'
const TEMPORARY = /^\.kv~\d+-\d+$/
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** Reserved in every case, since the file system may not tell them apart. */
export function isReserved(name: string): boolean {
  return name.slice(0, OWN.length).toLowerCase() === OWN
}

/** Unique among the writers that may ever have worked in a directory at one time. */
export function temporaryName(pid: number, serial: number): string {
  return `${OWN}~${pid}-${serial}`
}

export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name)
}

/** Whether Windows would take the name for something else than a plain name. */
export function isWindowsName(name: string): boolean {
  if (/[\\:*?"<>|]/.test(name) || /[. ]$/.test(name) || WINDOWS_DEVICE.test(name)) return true
  return [...name].some((char) => char < ' ')
}

/** Throws KvError KV_KEY_INVALID for a key that names what is the store's own. */
export function refuseReserved(key: Key): void {
  if (!key.segments.some(isReserved)) return
  throw new KvError('KV_KEY_INVALID', { message: `names that begin with ${OWN} are the store's own`, key })
}

/** The key of an entry of a directory; undefined when no key of the store can name it. */
export function entryKey(directory: Key, name: string): Key | undefined {
  if (!isSegment(name) || isReserved(name)) return undefined
  try {
    return directory.child(name)
  } catch {
    return undefined
  }
}

/** Equal for names that a folding file system may take for one. */
export function folded(name: string): string {
  return name.normalize('NFC').toLowerCase()
}

/** The root's path in front of a slash. */
export function basePath(realpath: string): string {
  return realpath.endsWith('/') ? realpath.slice(0, -1) : realpath
}

export function pathOf(base: string, key: Key): string {
  return key.segments.length === 0 ? base || '/' : `${base}${key}`
}

/** Throws KvError KV_KEY_INVALID for two keys that a folding file system takes for one. */
export function refuseFoldedTwins(keys: readonly Key[]): void {
  const spelled = new Map<string, string>()
  for (const key of keys) {
    for (let at = key; at.segments.length > 0; at = at.parent) {
      const path = at.toString()
      const known = spelled.get(folded(path)) ?? path
      if (known !== path)
        throw new KvError('KV_KEY_INVALID', { key, message: 'the batch has the name in two spellings' })
      spelled.set(folded(path), path)
    }
  }
}
