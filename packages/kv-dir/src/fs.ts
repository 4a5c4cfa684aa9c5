/**
 * What a store asks of the file system: the port over which a simulated one can stand in. Failures are thrown as Node's
 * errors with a `code` such as ENOENT. What is quick is synchronous: a hop to the thread pool costs ten times as much as
 * the call; what may take long has a promise.
 */
export interface DirFs {
  /** The path without links. */
  realpath(path: string): string
  /** Of a link itself, unless `follow`. */
  stat(path: string, follow: boolean): DirStat
  /** In no order; kinds of links are `link`. */
  readdir(path: string): DirEntry[]
  mkdir(path: string): void
  rmdir(path: string): void
  unlink(path: string): void
  /** Replaces a file at `to`. Only ever within one directory. */
  rename(from: string, to: string): void
  /** For reading; must not block on pipes, nor follow a link in the last place, unless `follow`. */
  open(path: string, follow: boolean): DirFile
  /** For writing; EEXIST when something is there, be it a dangling link. */
  create(path: string): DirFile
  /** Makes the entries of the directory durable: what was created, renamed and removed in it. */
  syncDir(path: string): Promise<void>
}

export type FileKind = 'file' | 'directory' | 'link' | 'other'

export interface DirEntry {
  readonly name: string
  readonly kind: FileKind
}

export interface DirStat {
  readonly kind: FileKind
  readonly device: string
  readonly inode: string
  readonly size: number
  /** Rounded to milliseconds since 1970. */
  readonly modifiedMs: number
  /** Differs when the bytes of the file may have changed. */
  readonly identity: string
  /** Whether a change to come must show in `identity`; false within the resolution of the file's times. */
  readonly settled: boolean
}

export interface DirFile {
  stat(): DirStat
  /** Fills `into` from the position on, returns how many bytes; 0 at the end. */
  readNow(into: Uint8Array, position: number): number
  read(into: Uint8Array, position: number): Promise<number>
  /** May write less than it was given. */
  writeNow(bytes: Uint8Array, position: number): number
  write(bytes: Uint8Array, position: number): Promise<number>
  setModified(ms: number): void
  /** Makes the bytes and times of the file durable. */
  sync(): Promise<void>
  close(): void
}
