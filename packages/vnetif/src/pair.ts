import { randomMac } from '@fata/addr'
import type { Runtime } from '@fata/runtime'
import { FrameMemory } from './core/frame-memory.ts'
import type { PairOptions } from './options.ts'
import { Port } from './port.ts'
import type { VnetPort } from './vnet-port.ts'

/** Two devices joined by a cable. */
export interface Pair {
  readonly a: VnetPort
  readonly b: VnetPort
}

/**
 * Joins two devices, of bare IP packets unless `medium` says otherwise. A frame from `a` to `b` meets the `tx` impairments of `a`, then the
 * `rx` impairments of `b`.
 */
export function createPair(runtime: Pick<Runtime, 'clock' | 'random'>, options: PairOptions = {}): Pair {
  const { medium = 'ip', a = {}, b = {}, ...common } = options
  const { clock, random } = runtime
  const memory = new FrameMemory(medium === 'ethernet' ? 2 : 0)
  const end = (own: PairOptions['a'] & {}): Port => {
    if (medium === 'ip' && own.mac !== undefined) throw new TypeError("a device of medium 'ip' has no mac")
    const mac = medium === 'ip' ? undefined : (own.mac ?? randomMac(random.uint32(), random.uint32()))
    return new Port({ clock, random, memory, medium, mac, onClose: () => {} }, { ...common, ...own })
  }
  const pair = { a: end(a), b: end(b) }
  pair.a.forward = pair.b.arrive
  pair.b.forward = pair.a.arrive
  return pair
}
