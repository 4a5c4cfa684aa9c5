import { createGate } from './gate.ts'
import type { KvRo } from './store.ts'

/** A view of the store without its writing methods. Disconnecting the view leaves the store open. */
export function readOnly(kv: KvRo): KvRo {
  const gate = createGate()
  return {
    capabilities: kv.capabilities,
    exists: (key, options) => gate.run(() => kv.exists(key, options)),
    get: (key, options) => gate.run(() => kv.get(key, options)),
    getPartial: (key, offset, length, options) => gate.run(() => kv.getPartial(key, offset, length, options)),
    list: (key, options) => gate.run(() => kv.list(key, options)),
    size: (key, options) => gate.run(() => kv.size(key, options)),
    lastModified: (key, options) => gate.run(() => kv.lastModified(key, options)),
    digest: (key, options) => gate.run(() => kv.digest(key, options)),
    disconnect: () => gate.close(),
    [Symbol.asyncDispose]: () => gate.close(),
  }
}
