/** Digests of files by path, valid while the file's identity is the same. The oldest makes room. */
export class DigestCache {
  readonly #max: number
  readonly #entries = new Map<string, { identity: string; digest: Uint8Array }>()

  constructor(max: number) {
    this.#max = max
  }

  get(path: string, identity: string): Uint8Array | undefined {
    const entry = this.#entries.get(path)
    if (entry?.identity !== identity) return undefined
    this.#entries.delete(path)
    this.#entries.set(path, entry)
    return entry.digest
  }

  set(path: string, identity: string, digest: Uint8Array): void {
    this.#entries.delete(path)
    this.#entries.set(path, { identity, digest })
    if (this.#entries.size > this.#max) this.#entries.delete(this.#entries.keys().next().value!)
  }

  /** For a file that was written or removed: its inode may serve another one, with times of the same tick. */
  delete(path: string): void {
    this.#entries.delete(path)
  }
}
