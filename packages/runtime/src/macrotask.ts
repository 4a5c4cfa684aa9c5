declare const setImmediate: ((fn: () => void) => unknown) | undefined

/** Calls functions in tasks of their own, in call order, by what the platform has when this is called. */
export function createMacrotasks(): (fn: () => void) => void {
  if (typeof setImmediate === 'function') return setImmediate
  const queue: (() => void)[] = []
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => queue.shift()!()
  return (fn) => {
    queue.push(fn)
    port2.postMessage(0)
  }
}
