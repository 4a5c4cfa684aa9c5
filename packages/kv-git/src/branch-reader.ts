import { type KvOptions, type KvRo, toKey } from '@fata/kv'
import type { GitCommit } from './commit.ts'
import type { GitLogOptions, GitReadOnlyStore } from './interface.ts'
import { Reader } from './reader.ts'
import type { Repository } from './repository.ts'

/** Reads a branch, wherever it is at. */
export class BranchReader<Store extends KvRo = KvRo> extends Reader implements GitReadOnlyStore {
  readonly branchName: string | undefined
  protected readonly repository: Repository<Store>

  /** `branch`: undefined for the commit that `HEAD` names. */
  constructor(repository: Repository<Store>, branch: string | undefined) {
    super(repository.capabilities, repository.objects, repository.history)
    this.repository = repository
    this.branchName = branch
  }

  async snapshot(): Promise<KvRo> {
    this.refuse(undefined)
    return this.#at(await this.head())
  }

  async branches(options?: KvOptions): Promise<string[]> {
    this.refuse(options)
    const names = await this.repository.refs.list('refs/heads', options)
    return names.map((name) => name.slice('refs/heads/'.length))
  }

  async commit(options?: KvOptions): Promise<string | undefined> {
    this.refuse(options)
    return this.head(options)
  }

  async *log(options: GitLogOptions = {}): AsyncGenerator<GitCommit, void> {
    this.refuse(options)
    const { from, key, limit = Number.POSITIVE_INFINITY, signal } = options
    const start = from === undefined ? await this.head(options) : await this.repository.resolve(from, options)
    let left = limit
    if (left <= 0) return
    for await (const commit of this.history.log(start, { key: key === undefined ? key : toKey(key), signal })) {
      yield commit
      if (--left <= 0) return
    }
  }

  async at(commit: string, options?: KvOptions): Promise<KvRo> {
    this.refuse(options)
    return this.#at(await this.repository.resolve(commit, options))
  }

  protected override async head(options?: KvOptions): Promise<string | undefined> {
    const name = this.branchName === undefined ? 'HEAD' : `refs/heads/${this.branchName}`
    return (await this.repository.refs.read(name, options)).id
  }

  #at(commit: string | undefined): KvRo {
    return new Reader(this.capabilities, this.objects, this.history, commit)
  }
}
