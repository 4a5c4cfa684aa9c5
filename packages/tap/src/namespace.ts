import { assert } from '@fata/bytes'
import { succeed } from './errno.ts'
import type { Native } from './native.ts'

const OWN = '/proc/thread-self/ns/net'
/** Where `ip netns` keeps its names. */
const NAMED = '/run/netns/'

/** Runs `body`, which must be synchronous, in a network namespace: what it opens stays there. Throws a SystemError. */
export function inNamespace<T>(native: Native, namespace: string | undefined, body: () => T): T {
  if (namespace === undefined) return body()
  const path = namespace.includes('/') ? namespace : NAMED + namespace
  const home = succeed(native.open(OWN, false), `open ${OWN}`)
  try {
    const fd = succeed(native.open(path, false), `open ${path}`)
    try {
      succeed(native.setns(fd), 'setns')
    } finally {
      native.close(fd)
    }
    try {
      return body()
    } finally {
      assert(native.setns(home) === 0, 'a thread that may enter a namespace may return to its own')
    }
  } finally {
    native.close(home)
  }
}
