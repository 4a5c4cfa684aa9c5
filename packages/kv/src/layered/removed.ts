import { Key, KvError } from '../key.ts'
import type { KvOptions, KvRo } from '../store.ts'

/** The dictionary in the top store that is the view's own. */
const OWN = '.layered'
const REMOVED = Key.of(OWN, 'removed')

/** The mark in the top store that the value of a store below is removed. Throws KvError KV_KEY_INVALID: the key is too long. */
export function markOf(key: Key): Key {
  return REMOVED.join(key)
}

export function isOwn(key: Key): boolean {
  return key.segments[0] === OWN
}

/** Throws KvError KV_KEY_INVALID for a key that is the view's own. */
export function refuseOwn(key: Key): Key {
  if (isOwn(key)) throw new KvError('KV_KEY_INVALID', { message: `${OWN} is the view's own`, key })
  return key
}

/** Whether values at and below the key may be removed: if not, nobody needs to look one by one. */
export async function mayBeRemoved(top: KvRo, key: Key, o: KvOptions | undefined): Promise<'one' | 'some' | undefined> {
  try {
    const kind = await top.exists(markOf(key), o)
    return kind && (kind === 'value' ? 'one' : 'some')
  } catch (error) {
    // Too long for a mark.
    if ((error as Partial<KvError>).code === 'KV_KEY_INVALID') return undefined
    throw error
  }
}
