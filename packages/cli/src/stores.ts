import type { KvRo } from '@fata/kv'
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
