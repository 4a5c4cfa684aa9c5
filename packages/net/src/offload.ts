import { NetError } from './errors.ts'
import type { FrameMeta, Offload } from './meta.ts'

/**
 * For devices, once `fill` has run: throws NetError `ERR_NET_UNSUPPORTED` where `meta` asks for more than `offload` claims, and a
 * TypeError where it contradicts itself.
 */
export function checkOffload(meta: FrameMeta, offload: Offload): void {
  if (meta.checksum === 'partial' && !offload.checksum)
    throw new NetError('ERR_NET_UNSUPPORTED', 'the device does not complete partial checksums')
  if (meta.gso === 'none') return
  if (!(meta.gso === 'tcp4' ? offload.tso4 : offload.tso6))
    throw new NetError('ERR_NET_UNSUPPORTED', `the device does not segment '${meta.gso}' super-frames`)
  if (meta.checksum !== 'partial') throw new TypeError("a super-frame needs checksum 'partial'")
  if (!(meta.gsoSize >= 1)) throw new TypeError(`a super-frame needs a gsoSize, got ${meta.gsoSize}`)
}
