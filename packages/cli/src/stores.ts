import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { errorCode, type KvRo } from '@fata/kv'
import { CommandError, UsageError } from './errors.ts'

/** One kind of store that a site can come from. The package is loaded when it is asked for. */
interface StoreKind {
  /** What follows the colon, for help. */
  readonly form: string
  open(rest: string): Promise<KvRo>
}

/** Every kind by the word in front of the colon. */
const kinds: Readonly<Record<string, StoreKind>> = {
  dir: { form: 'PATH', open: async (path) => (await import('@fata/kv-dir')).openDirReadOnly(path) },
  tar: { form: 'FILE', open: async (path) => (await import('@fata/kv-tar/file')).openTarFileReadOnly(path) },
  git: { form: 'PATH[@REF]', open: openGitAt },
  level: {
    form: 'PATH',
    open: async (path) => (await import('@fata/kv-level/classic')).openClassicLevel(path, { create: false }),
  },
  etcd: { form: 'URL[,URL][/PREFIX]', open: openEtcdAt },
  crunch: { form: 'MODULE', open: connectModule },
}

/** `dir:PATH` and the like, for help. */
export const storeForms: string = Object.entries(kinds)
  .map(([word, { form }]) => `${word}:${form}`)
  .join(' | ')

/** Opens what `--store` names. Rejects with UsageError for what is none, CommandError where it cannot be opened. */
export async function openStore(spec: string): Promise<KvRo> {
  const colon = spec.indexOf(':')
  const kind = Object.hasOwn(kinds, spec.slice(0, colon)) ? kinds[spec.slice(0, colon)] : undefined
  const rest = spec.slice(colon + 1)
  if (colon < 1 || kind === undefined || rest === '')
    throw new UsageError(`--store must be ${storeForms}, not '${spec}'`)
  try {
    return await kind.open(rest)
  } catch (error) {
    const { message, cause } = error as Error
    throw new CommandError(`cannot serve ${rest}: ${cause instanceof Error ? cause.message : message}`, {
      cause: error,
    })
  }
}

/** A branch, tag or commit, else what HEAD names. */
async function openGitAt(spec: string): Promise<KvRo> {
  const [{ openDirReadOnly }, { openGitReadOnly }] = await Promise.all([import('@fata/kv-dir'), import('@fata/kv-git')])
  const at = spec.lastIndexOf('@')
  const [path, ref] = at > 0 ? [spec.slice(0, at), spec.slice(at + 1)] : [spec, undefined]
  const repository = existsSync(`${path}/.git`) ? `${path}/.git` : path
  const git = await openGitReadOnly(await openDirReadOnly(repository))
  const commit = ref ?? (await git.commit())
  if (commit === undefined) throw new Error('there is no commit')
  try {
    return await git.at(commit)
  } catch (error) {
    throw errorCode(error) === 'KV_NOT_FOUND' ? new Error(`there is no branch, tag or commit ${commit}`) : error
  }
}

/** The path of the last URL is the prefix. */
async function openEtcdAt(spec: string): Promise<KvRo> {
  const { openEtcd } = await import('@fata/kv-etcd')
  const urls = spec.split(',').map((url) => new URL(url))
  const prefix = decodeURIComponent(urls.at(-1)!.pathname.replace(/^\/|\/$/g, ''))
  return openEtcd(
    urls.map(({ origin }) => origin),
    prefix === '' ? {} : { prefix },
  )
}

/** A module that `kv-crunch` has made. */
async function connectModule(path: string): Promise<KvRo> {
  const { connect } = (await import(pathToFileURL(resolve(path)).href)) as { connect?: unknown }
  if (typeof connect !== 'function') throw new Error('the module exports no connect()')
  return (connect as () => KvRo)()
}
