import type { EventEmitter } from 'node:events'
import { type Endpoint, endpoint } from '@fata/addr'
import { createFlowPair, type Flow, type FlowPairOptions } from '@fata/flow'
import { type DuplexOptions, type FlowDuplex, toDuplex } from '@fata/node'

/** A flow that knows its endpoints, as a TCP flow does. */
export function withEndpoints(flow: Flow, local: string, remote: string): Flow & { local: Endpoint; remote: Endpoint } {
  return Object.assign(flow, { local: endpoint(local), remote: endpoint(remote) })
}

export interface Pair {
  readonly client: FlowDuplex
  readonly server: FlowDuplex
  /** The flows behind them. */
  readonly a: Flow
  readonly b: Flow
}

/** Two streams joined in memory. */
export function duplexPair(options: DuplexOptions & FlowPairOptions = {}): Pair {
  const { a, b } = createFlowPair(options)
  withEndpoints(a, '10.0.0.1:50000', '10.0.0.2:80')
  withEndpoints(b, '10.0.0.2:80', '10.0.0.1:50000')
  return { client: remember(toDuplex(a, options)), server: remember(toDuplex(b, options)), a, b }
}

/** A connection to a server that takes connections by event, as all of Node's do; gives the client's end. */
export function connectTo(server: EventEmitter, options: DuplexOptions & FlowPairOptions = {}): FlowDuplex {
  const pair = duplexPair(options)
  server.emit('connection', pair.server)
  return pair.client
}

/** Lets everything happen that happens by itself. */
export async function idle(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** The events of a stream as they come. */
export function noteEvents(stream: FlowDuplex, ...names: string[]): string[] {
  const events: string[] = []
  for (const name of names)
    stream.on(name, (value: unknown) =>
      events.push(value instanceof Error ? `${name} ${codeOf(value)}` : name === 'close' ? `close ${value}` : name),
    )
  return events
}

function codeOf(error: Error): string {
  return String((error as NodeJS.ErrnoException).code ?? error.message)
}

/** Everything a stream gives up to its end. Unlike `for await` it leaves the stream alone then. */
export function readToEnd(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks)))
    stream.once('error', reject)
  })
}

const hasClosed = new WeakSet<FlowDuplex>()

/** Resolves after the event `'close'`, also where that has been. */
export function closed(stream: FlowDuplex): Promise<void> {
  return new Promise((resolve) => {
    if (hasClosed.has(stream)) resolve()
    else stream.once('close', resolve)
  })
}

function remember(stream: FlowDuplex): FlowDuplex {
  return stream.once('close', () => hasClosed.add(stream))
}

/** Bytes that differ from place to place. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0, x = 1; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    bytes[i] = x >>> 24
  }
  return bytes
}
