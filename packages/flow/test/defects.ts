import { createFlowPair, type Flow, type FlowOptions, type FlowPair, iterateFlow } from '@fata/flow'
import type { FlowSupports } from '@fata/flow/conformance'

/** One way to break the contract, and the rules that must notice. */
export interface Defect {
  readonly name: string
  readonly breaks: readonly string[]
  readonly create: () => FlowPair
  readonly supports?: FlowSupports
}

/** A flow that behaves as `flow` but for `change`. */
export function wrap(flow: Flow, change: Partial<Flow> = {}): Flow {
  const wrapped: Flow = {
    read: (options) => flow.read(options),
    write: (chunk, options) => flow.write(chunk, options),
    shutdown: () => flow.shutdown(),
    close: () => flow.close(),
    abort: (reason) => flow.abort(reason),
    [Symbol.asyncIterator]: () => iterateFlow(wrapped),
    [Symbol.asyncDispose]: () => wrapped.close(),
    ...change,
  }
  return wrapped
}

/** Both ends changed alike; `peer` is the unbroken other end. */
function both(change: (flow: Flow, peer: Flow) => Partial<Flow>): () => FlowPair {
  return () => {
    const { a, b } = createFlowPair()
    return { a: wrap(a, change(a, b)), b: wrap(b, change(b, a)) }
  }
}

const never = <T>(): Promise<T> => new Promise(() => {})

function writeOnce(change: (chunk: Uint8Array) => Uint8Array): () => FlowPair {
  return both((flow) => ({ write: (chunk, options) => flow.write(change(chunk), options) }))
}

function flip(chunk: Uint8Array): Uint8Array {
  if (chunk.length > 0) chunk[chunk.length - 1]! ^= 1
  return chunk
}

function delayOddWrites(flow: Flow): Partial<Flow> {
  return {
    async write(chunk, options) {
      if (chunk.length % 2 === 1) await new Promise((resolve) => setImmediate(resolve))
      await flow.write(chunk, options)
    },
  }
}

function serveLastReader(flow: Flow): Partial<Flow> {
  const stack: ((chunk: Promise<Uint8Array | null>) => void)[] = []
  return {
    read(options) {
      const served = new Promise<Uint8Array | null>((resolve) => stack.push(resolve))
      const chunk = flow.read(options)
      const serve = (): void => stack.pop()!(chunk)
      chunk.then(serve, serve)
      return served
    },
  }
}

function giveEmptyChunks(): FlowPair {
  const { a, b } = createFlowPair()
  let giveEmpty = (_: Uint8Array): void => {}
  const empty = new Promise<Uint8Array>((resolve) => {
    giveEmpty = resolve
  })
  const write: Flow['write'] = (chunk, options) => {
    if (chunk.length === 0) giveEmpty(chunk)
    return a.write(chunk, options)
  }
  return { a: wrap(a, { write }), b: wrap(b, { read: (options) => Promise.race([empty, b.read(options)]) }) }
}

function reuseSlab(flow: Flow): Partial<Flow> {
  const slab = new Uint8Array(1_000_000)
  return {
    async read(options) {
      const chunk = await flow.read(options)
      if (chunk === null) return null
      slab.set(chunk)
      return slab.subarray(0, chunk.length)
    },
  }
}

function neverWait(flow: Flow): Partial<Flow> {
  return {
    async write(chunk, options) {
      flow.write(chunk, options).catch(() => {})
    },
  }
}

function endOnce(flow: Flow): Partial<Flow> {
  let ended = false
  return {
    async read(options) {
      const chunk = await flow.read(options)
      if (chunk === null && ended) return never()
      ended ||= chunk === null
      return chunk
    },
  }
}

function acceptAfterEnd(flow: Flow): Partial<Flow> {
  let ended = false
  const ending = (end: () => Promise<void>) => (): Promise<void> => {
    ended = true
    return end()
  }
  return {
    write: async (chunk, options) => (ended ? undefined : flow.write(chunk, options)),
    shutdown: ending(() => flow.shutdown()),
    close: ending(() => flow.close()),
  }
}

function endOnlyOnce(flow: Flow): Partial<Flow> {
  let ended = false
  const once = (end: () => Promise<void>) => async (): Promise<void> => {
    if (ended) throw new Error('ended already')
    ended = true
    await end()
  }
  return { shutdown: once(() => flow.shutdown()), close: once(() => flow.close()) }
}

function readAfterAbort(flow: Flow): Partial<Flow> {
  return { read: (options) => flow.read(options).catch(() => Uint8Array.of(1)) }
}

function forgetArrived(): FlowPair {
  const { a, b } = createFlowPair()
  let aborted = false
  const abort = (reason?: unknown): void => {
    aborted = true
    a.abort(reason)
  }
  const read = async (options?: FlowOptions): Promise<Uint8Array | null> => {
    if (aborted) throw Object.assign(new Error('reset'), { code: 'ERR_RESET' })
    return b.read(options)
  }
  return { a: wrap(a, { abort }), b: wrap(b, { read }) }
}

function keepLastReason(flow: Flow): Partial<Flow> {
  let last: unknown
  return {
    abort(reason) {
      last = reason ?? new Error('default')
      flow.abort(reason)
    },
    read: (options) => flow.read(options).catch((error) => Promise.reject(last ?? error)),
  }
}

function failAfterLateAbort(): FlowPair {
  const { a, b } = createFlowPair()
  let aborted = false
  const abort = (reason?: unknown): void => {
    aborted = true
    a.abort(reason)
  }
  const read = (options?: FlowOptions): Promise<Uint8Array | null> =>
    aborted ? Promise.reject(new Error('reset')) : b.read(options)
  return { a: wrap(a, { abort }), b: wrap(b, { read }) }
}

function checkSignalLast(flow: Flow): Partial<Flow> {
  return {
    async read(options) {
      const chunk = await flow.read()
      options?.signal?.throwIfAborted()
      return chunk
    },
    async write(chunk, options) {
      await flow.write(chunk)
      options?.signal?.throwIfAborted()
    },
  }
}

/** Rejects in time, but what it waits for goes on behind the caller's back. */
function abandonSilently(flow: Flow): Partial<Flow> {
  return {
    read(options) {
      const { signal } = options ?? {}
      if (signal === undefined || signal.aborted) return flow.read(options)
      const aborted = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      aborted.catch(() => {})
      return Promise.race([flow.read(), aborted])
    },
  }
}

function dropAbandonedWrites(flow: Flow): Partial<Flow> {
  return {
    async write(chunk, options) {
      const { signal } = options ?? {}
      if (signal === undefined) return flow.write(chunk)
      await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setImmediate(resolve))
      if (chunk.length < 1000) return flow.write(chunk, options)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  }
}

function listenForEver(flow: Flow): Partial<Flow> {
  return {
    read(options) {
      options?.signal?.addEventListener('abort', () => flow.abort())
      return flow.read(options)
    },
  }
}

const CARRIES = 'carries bytes unchanged and in order, both ways at once'

const BYTES: readonly Defect[] = [
  { name: 'changes a byte', breaks: [CARRIES], create: writeOnce(flip) },
  { name: 'reorders writes', breaks: ['keeps the order of concurrent writes'], create: both(delayOddWrites) },
  { name: 'serves the last reader first', breaks: ['serves concurrent reads in order'], create: both(serveLastReader) },
  { name: 'gives empty chunks', breaks: ['gives no chunk for a write of nothing'], create: giveEmptyChunks },
  {
    name: 'cuts large chunks',
    breaks: ['carries a chunk larger than any buffer'],
    create: writeOnce((chunk) => chunk.subarray(0, 1_000_000)),
  },
  { name: 'reuses its memory', breaks: ['gives the bytes of a chunk to the reader for good'], create: both(reuseSlab) },
  {
    name: 'waits for the reader',
    breaks: ['accepts a small write that nobody reads'],
    create: both((flow) => ({ write: (chunk, options) => flow.write(chunk, options).then(never<void>) })),
  },
  {
    name: 'never lets a writer wait',
    breaks: ['lets writes wait when nobody reads, and go on when somebody does', 'rejects writes that wait for room'],
    create: both(neverWait),
  },
  {
    name: 'never lets a writer go on',
    breaks: ['lets writes wait when nobody reads, and go on when somebody does'],
    create: both((flow) => {
      let bytes = 0
      return {
        async write(chunk, options) {
          bytes += chunk.length
          await flow.write(chunk, options)
          return bytes > 65536 ? never() : undefined
        },
      }
    }),
  },
]

const ENDS: readonly Defect[] = [
  {
    name: 'ends once',
    breaks: ['gives null for ever after the end', 'gives null to every read that waits when the end comes'],
    create: both(endOnce),
  },
  {
    name: 'closes instead of shutting down',
    breaks: ['shutdown leaves the other direction open'],
    create: both((flow) => ({ shutdown: () => flow.close() })),
  },
  {
    name: 'denies half-close and does it',
    breaks: ['without support for it, shutdown ends both directions'],
    create: createFlowPair,
    supports: { halfClose: false },
  },
  {
    name: 'aborts instead of ending',
    breaks: ['shutdown sends what was written before', 'close sends what was written before'],
    create: both((flow) => ({ shutdown: async () => flow.abort(), close: async () => flow.abort() })),
  },
  {
    name: 'accepts writes behind the end',
    breaks: ['refuses writes after shutdown with ERR_FLOW_CLOSED', 'refuses writes after close with ERR_FLOW_CLOSED'],
    create: both(acceptAfterEnd),
  },
  {
    name: 'refuses with another code',
    breaks: ['refuses writes after shutdown with ERR_FLOW_CLOSED', 'refuses writes after close with ERR_FLOW_CLOSED'],
    create: both((flow) => ({
      write: (chunk) =>
        flow.write(chunk).catch(() => Promise.reject(Object.assign(new Error('no'), { code: 'EPIPE' }))),
    })),
  },
  {
    name: 'ends only once',
    breaks: ['shutdown may be called again, at once and later', 'close may be called again, at once and later'],
    create: both(endOnlyOnce),
  },
  {
    name: 'shuts down instead of closing',
    breaks: [
      'close ends reading, also for a read that waits',
      'close discards what has come',
      'close does not reject after abort, on either end',
    ],
    create: both((flow) => ({ close: () => flow.shutdown() })),
  },
  {
    name: 'never finishes to close',
    breaks: ['close ends by abort when the peer does not read', 'is closed by Symbol.asyncDispose'],
    create: both((flow) => ({ close: () => flow.close().then(never<void>) })),
  },
]

const ABORTS: readonly Defect[] = [
  {
    name: 'aborts for a reason of its own',
    breaks: ['rejects what waits and what follows with the reason', 'keeps the first reason'],
    create: both((flow) => ({ abort: () => flow.abort(new Error('mine')) })),
  },
  {
    name: 'forgets writers that wait',
    breaks: ['rejects writes that wait for room'],
    create: both((flow) => ({ write: (chunk, options) => flow.write(chunk, options).catch(never<void>) })),
  },
  { name: 'reads on after abort', breaks: ['discards what has come and is not read'], create: both(readAfterAbort) },
  {
    name: 'ends instead of aborting',
    breaks: ['shows the peer one error with a code'],
    create: both((flow) => ({ abort: () => void flow.close() })),
  },
  {
    name: 'fails without a code',
    breaks: ['shows the peer one error with a code', 'has a reason with a code by default'],
    create: both((flow) => ({
      read: (options) => flow.read(options).catch(() => Promise.reject(new Error('broken'))),
    })),
  },
  {
    name: 'denies resets and shows them',
    breaks: ['without support for it, the peer sees an end'],
    create: createFlowPair,
    supports: { reset: false },
  },
  { name: 'forgets what had arrived', breaks: ['leaves to the peer what had arrived'], create: forgetArrived },
  { name: 'keeps the last reason', breaks: ['keeps the first reason'], create: both(keepLastReason) },
  { name: 'aborts after close', breaks: ['does nothing after close'], create: failAfterLateAbort },
]

const SIGNALS: readonly Defect[] = [
  {
    name: 'looks at the signal last',
    breaks: ['reads nothing with a signal that is aborted', 'writes nothing with a signal that is aborted'],
    create: both(checkSignalLast),
  },
  {
    name: 'ignores signals while it waits',
    breaks: ['gives up a read that waits, and loses nothing', 'gives up a write that waits, which has been accepted'],
    create: both((flow) => ({ read: () => flow.read(), write: (chunk) => flow.write(chunk) })),
  },
  {
    name: 'goes on behind the back of who gave up',
    breaks: ['gives up a read that waits, and loses nothing'],
    create: both(abandonSilently),
  },
  {
    name: 'drops what a write that was given up had handed over',
    breaks: ['gives up a write that waits, which has been accepted'],
    create: both(dropAbandonedWrites),
  },
  {
    name: 'listens for ever',
    breaks: ['stays as it is when a signal is aborted too late'],
    create: both(listenForEver),
  },
]

const FACES: readonly Defect[] = [
  {
    name: 'iterates over one chunk',
    breaks: ['can be iterated up to the end'],
    create: both((flow) => ({
      async *[Symbol.asyncIterator]() {
        const chunk = await flow.read()
        if (chunk !== null) yield chunk
      },
    })),
  },
  {
    name: 'ends an iteration where it fails',
    breaks: ['lets the iteration fail as read does'],
    create: both((flow) => ({
      [Symbol.asyncIterator]: () => iterateFlow({ read: () => flow.read().catch(() => null) }),
    })),
  },
  {
    name: 'closes when an iteration is left',
    breaks: ['stays as it is when an iteration is left early'],
    create: both((flow) => ({
      async *[Symbol.asyncIterator]() {
        try {
          yield* iterateFlow(flow)
        } finally {
          await flow.close()
        }
      },
    })),
  },
  {
    name: 'aborts when disposed of',
    breaks: ['is closed by Symbol.asyncDispose'],
    create: both((flow) => ({ [Symbol.asyncDispose]: async () => flow.abort() })),
  },
  {
    name: 'does not shut down',
    breaks: ['carries Web Streams'],
    create: both(() => ({ shutdown: async () => {} })),
  },
]

export const DEFECTS: readonly Defect[] = [...BYTES, ...ENDS, ...ABORTS, ...SIGNALS, ...FACES]
