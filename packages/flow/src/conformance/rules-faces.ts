import { concatBytes } from '@fata/bytes'
import type { Flow } from '../flow.ts'
import { toWebStreams } from '../web-streams.ts'
import { codeOf, same, sameBytes } from './check.ts'
import type { Rule } from './rule.ts'
import { pattern, type Scene } from './scene.ts'

async function collect(flow: Flow): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of flow) chunks.push(chunk)
  return concatBytes(chunks)
}

async function firstOf(flow: Flow): Promise<Uint8Array | undefined> {
  for await (const chunk of flow) return chunk
  return undefined
}

async function iterates(scene: Scene): Promise<void> {
  const { a, b } = scene
  const all = scene.start(collect(b))
  const bytes = pattern(150_000)
  await scene.settle(a.write(bytes.slice(0, 10)), 'write')
  const write = scene.start(a.write(bytes.slice(10)))
  scene.start(a.shutdown())
  sameBytes(await scene.settle(all, 'for await'), bytes, 'for await')
  await scene.settle(write, 'write')
  same((await scene.settle(firstOf(b), 'for await behind the end')) ?? null, null, 'for await behind the end')
}

async function iterationFails(scene: Scene): Promise<void> {
  const all = scene.start(collect(scene.b))
  await scene.idle()
  const reason = new Error('enough')
  scene.b.abort(reason)
  same(await scene.failure(all, 'for await over a flow that fails'), reason, 'error of for await')
}

async function iterationIsLeft(scene: Scene): Promise<void> {
  const { a, b } = scene
  await scene.settle(a.write(Uint8Array.of(1)), 'write')
  sameBytes((await scene.settle(firstOf(b), 'for await')) ?? new Uint8Array(0), Uint8Array.of(1), 'first chunk')
  await scene.settle(a.write(Uint8Array.of(2)), 'write after the loop was left')
  sameBytes(await scene.read(b, 1, 'read after the loop was left'), Uint8Array.of(2), 'next chunk')
  await scene.settle(b.write(Uint8Array.of(3)), 'answer after the loop was left')
  sameBytes(await scene.read(a, 1, 'answer'), Uint8Array.of(3), 'answer')
}

async function disposes(scene: Scene): Promise<void> {
  const { a, b } = scene
  scene.start(a.write(Uint8Array.of(1, 2)))
  const disposed = scene.start(Promise.resolve(a[Symbol.asyncDispose]()))
  sameBytes(await scene.readToEnd(b, 'read'), Uint8Array.of(1, 2), 'what was written before the flow was disposed of')
  const write = await scene.failure(a.write(Uint8Array.of(3)), 'write')
  same(codeOf(write, 'write'), 'ERR_FLOW_CLOSED', 'code of a write to a flow that was disposed of')
  await scene.settle(disposed, 'asyncDispose')
  await scene.settle(Promise.resolve(a[Symbol.asyncDispose]()), 'asyncDispose again')
}

async function streams(scene: Scene): Promise<void> {
  const { a, b } = scene
  const bytes = pattern(300_000)
  const source = new Blob([bytes.slice()]).stream()
  const piped = scene.start(source.pipeTo(toWebStreams(a).writable))
  const received = scene.start(new Response(toWebStreams(b).readable).arrayBuffer())
  sameBytes(new Uint8Array(await scene.settle(received, 'readable')), bytes, 'through Web Streams')
  await scene.settle(piped, 'pipeTo writable')
}

export const facesRules: readonly Rule[] = [
  { name: 'can be iterated up to the end', run: iterates },
  { name: 'lets the iteration fail as read does', run: iterationFails },
  { name: 'stays as it is when an iteration is left early', run: iterationIsLeft },
  { name: 'is closed by Symbol.asyncDispose', run: disposes },
  { name: 'carries Web Streams', run: streams },
]
