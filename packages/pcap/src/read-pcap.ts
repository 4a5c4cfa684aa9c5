import { PcapError } from './errors.ts'
import type { CapturedPacket } from './packet.ts'
import { classicFormat, readClassic } from './read-classic.ts'
import { isPcapng, readPcapng } from './read-pcapng.ts'
import { need } from './view.ts'

/**
 * The packets of a pcapng file, or of a classic pcap file with micro- or nanoseconds, of either byte order. Strict: throws PcapError
 * `ERR_PCAP_TRUNCATED`, `ERR_PCAP_MALFORMED` or `ERR_PCAP_UNSUPPORTED` when it comes to what is wrong, behind the packets before.
 */
export function* readPcap(bytes: Uint8Array): Generator<CapturedPacket, void, undefined> {
  need(bytes, 0, 4)
  const classic = classicFormat(bytes)
  if (classic !== undefined) yield* readClassic(bytes, classic)
  else if (isPcapng(bytes)) yield* readPcapng(bytes)
  else throw new PcapError('ERR_PCAP_UNSUPPORTED', 'neither pcap nor pcapng', 0)
}
