import { type KvBatch, KvError, type KvOp, type KvOptions } from '@fata/kv'
import * as git from 'isomorphic-git'
import { encodeText } from './bytes.ts'
import { createStoreFs } from './fs.ts'
import { createHttpClient, type GitFetch } from './http.ts'
import { checkBranch } from './names.ts'
import { GIT_DIR } from './packs.ts'
import { checkFormat, initialOps, Refs } from './refs.ts'

export interface GitAuth {
  readonly username: string
  /** A password or a token. */
  readonly password: string
}

export interface GitRemoteOptions extends KvOptions {
  /** What the remote is called here: its branches are `refs/remotes/<remote>/<branch>`. Default `origin`. */
  readonly remote?: string | undefined
  readonly auth?: GitAuth | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Default the platform's. */
  readonly fetch?: GitFetch | undefined
}

export interface GitFetchOptions extends GitRemoteOptions {
  /** Only this branch; default all. */
  readonly branch?: string | undefined
  /** Only so many commits of each branch; default all. */
  readonly depth?: number | undefined
}

export interface GitPushOptions extends GitRemoteOptions {
  /** Also where commits of the remote are lost. Default false. */
  readonly force?: boolean | undefined
  /** Its name there; default the same. */
  readonly remoteBranch?: string | undefined
}

/**
 * Brings the branches of the repository at the URL into the store, as branches of the remote: `merge('origin/main')` of an open
 * branch takes them over. Returns the commit of the branch, or of the remote's own default. KV_IO, with the cause.
 */
export async function fetchFrom(
  store: KvBatch,
  url: string,
  options: GitFetchOptions = {},
): Promise<string | undefined> {
  return (await receive(store, url, options)).commit
}

/**
 * `fetchFrom` into an empty store, whose branch is then the one asked for, or the remote's own default. KV_ALREADY_PRESENT when the
 * store holds anything.
 */
export async function cloneFrom(store: KvBatch, url: string, options: GitFetchOptions = {}): Promise<void> {
  if ((await store.list('/', { limit: 1, signal: options.signal })).length > 0) {
    throw new KvError('KV_ALREADY_PRESENT', { message: 'the store is not empty' })
  }
  const { commit, branch } = await receive(store, url, options)
  if (commit === undefined) return
  const ops: KvOp[] = [
    { op: 'set', key: '/HEAD', value: encodeText(`ref: refs/heads/${branch}\n`) },
    { op: 'set', key: `/refs/heads/${branch}`, value: encodeText(`${commit}\n`) },
  ]
  await store.batch(ops, { signal: options.signal })
}

/** Sends the branch. KV_NOT_FOUND; KV_CHECK_FAILED when the remote has commits that the branch has not; KV_IO, with the cause. */
export async function pushTo(store: KvBatch, url: string, branch: string, options: GitPushOptions = {}): Promise<void> {
  const { force = false, remoteBranch = branch, remote = 'origin', signal } = options
  checkBranch(branch)
  checkBranch(remoteBranch)
  await prepare(store, url, options)
  const { id } = await new Refs(store).read(`refs/heads/${branch}`, options)
  if (id === undefined) throw new KvError('KV_NOT_FOUND', { message: `no branch ${branch}` })
  const result = await attempt(signal, () =>
    git.push({ ...common(store, url, options), remote, ref: branch, remoteRef: `refs/heads/${remoteBranch}`, force }),
  )
  const refused = Object.entries(result.refs).find(([, { ok }]) => !ok)
  if (refused) throw new KvError('KV_IO', { message: `the remote refused ${refused[0]}: ${refused[1].error}` })
}

async function receive(
  store: KvBatch,
  url: string,
  options: GitFetchOptions,
): Promise<{ commit: string | undefined; branch: string }> {
  const { branch, depth, remote = 'origin', signal } = options
  if (branch !== undefined) checkBranch(branch)
  await prepare(store, url, options)
  const result = await attempt(signal, () =>
    git.fetch({
      ...common(store, url, options),
      remote,
      tags: true,
      singleBranch: branch !== undefined,
      ...(branch === undefined ? {} : { ref: branch, remoteRef: branch }),
      ...(depth === undefined ? {} : { depth }),
    }),
  )
  const name = branch ?? result.defaultBranch?.replace(/^refs\/heads\//, '') ?? 'main'
  const { id } = await new Refs(store).read(`refs/remotes/${remote}/${name}`, options)
  return { commit: id ?? result.fetchHead ?? undefined, branch: name }
}

/** An empty store becomes a repository; the remote gets its name in the configuration, by which isomorphic-git finds it. */
async function prepare(store: KvBatch, url: string, options: GitRemoteOptions): Promise<void> {
  const { remote = 'origin', signal } = options
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) throw new RangeError('a remote is http(s)://...')
  checkBranch(remote)
  await checkFormat(store, { signal })
  if ((await new Refs(store).head({ signal })) === undefined) await store.batch(initialOps('main'), { signal })
  await attempt(signal, () =>
    git.addRemote({ fs: createStoreFs(store, { signal }), gitdir: GIT_DIR, remote, url, force: true }),
  )
}

function common(store: KvBatch, url: string, { auth, headers = {}, signal, fetch: fetching }: GitRemoteOptions) {
  return {
    fs: createStoreFs(store, { signal }),
    http: createHttpClient(fetching ?? ((target, init) => fetch(target, init as RequestInit)), signal),
    gitdir: GIT_DIR,
    url,
    headers: { ...headers },
    ...(auth ? { onAuth: () => ({ ...auth }), onAuthFailure: () => ({ cancel: true }) } : {}),
  }
}

/** Rejects with the signal's reason, or with KvError. */
async function attempt<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  signal?.throwIfAborted()
  try {
    return await work()
  } catch (error) {
    signal?.throwIfAborted()
    const { code, message } = error as { code?: unknown; message?: unknown }
    if (typeof code === 'string' && code.startsWith('KV_')) throw error
    throw new KvError(code === 'PushRejectedError' ? 'KV_CHECK_FAILED' : 'KV_IO', {
      message: `the remote: ${String(message)}`,
      cause: error,
    })
  }
}
