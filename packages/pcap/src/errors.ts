/** Stable; match these, not messages. More may be added in a minor version. */
export type PcapErrorCode = 'ERR_PCAP_TRUNCATED' | 'ERR_PCAP_MALFORMED' | 'ERR_PCAP_UNSUPPORTED'

/** A file cannot be read on. */
export class PcapError extends Error {
  override readonly name = 'PcapError'
  readonly code: PcapErrorCode
  /** Where in the file. */
  readonly offset: number

  constructor(code: PcapErrorCode, message: string, offset: number) {
    super(`${message} at byte ${offset}`)
    this.code = code
    this.offset = offset
  }
}
