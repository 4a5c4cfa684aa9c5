import type { Flow } from '@fata/flow'
import { seededRandom } from '@fata/runtime'

/** A stream of `length` bytes that depends on `seed` alone, in chunks of every size. */
export function* testChunks(seed: number, length: number): Generator<Uint8Array> {
  const random = seededRandom(seed)
  const block = new Uint8Array(1 << 16)
  random.fill(block)
  for (let left = length, n = 0; left > 0; n++) {
    const size = Math.min(left, 1 + (random.uint32() % (n % 8 === 0 ? block.length - 1 : 4096)))
    const start = random.uint32() % (block.length - size + 1)
    yield block.slice(start, start + size)
    left -= size
  }
}

/** Writes the stream and ends it. */
export async function sendStream(flow: Flow, seed: number, length: number): Promise<void> {
  for (const chunk of testChunks(seed, length)) await flow.write(chunk)
  await flow.shutdown()
}

/** Reads to the end and compares each byte with the stream's; returns how many there were. Throws at the first difference. */
export async function checkStream(flow: Flow, seed: number, length: number): Promise<number> {
  const expected = testChunks(seed, length)
  let want: Uint8Array = new Uint8Array(0)
  let at = 0
  let count = 0
  for await (const chunk of flow) {
    for (let i = 0; i < chunk.length; i++) {
      if (at === want.length) {
        want = expected.next().value ?? new Uint8Array(0)
        at = 0
      }
      if (chunk[i] !== want[at++]) throw new Error(`seed ${seed}: byte ${count + i} differs`)
    }
    count += chunk.length
  }
  return count
}
