import { PcapError } from './errors.ts'

/** Bytes of a file with their byte order. */
export class View {
  readonly bytes: Uint8Array
  readonly isLittle: boolean
  readonly #data: DataView

  constructor(bytes: Uint8Array, isLittle: boolean) {
    this.bytes = bytes
    this.isLittle = isLittle
    this.#data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  u16(o: number): number {
    return this.#data.getUint16(o, this.isLittle)
  }

  u32(o: number): number {
    return this.#data.getUint32(o, this.isLittle)
  }

  u64(o: number): bigint {
    return this.#data.getBigUint64(o, this.isLittle)
  }

  i64(o: number): bigint {
    return this.#data.getBigInt64(o, this.isLittle)
  }

  /** Two words of 32 bits, the higher one first, as time stamps have them in either byte order. */
  timestamp(o: number): bigint {
    return (BigInt(this.u32(o)) << 32n) | BigInt(this.u32(o + 4))
  }
}

/** Throws `ERR_PCAP_TRUNCATED` unless `bytes` has `length` bytes from `at` on. */
export function need(bytes: Uint8Array, at: number, length: number): void {
  if (at + length > bytes.length)
    throw new PcapError('ERR_PCAP_TRUNCATED', `the file ends ${at + length - bytes.length} bytes too early`, at)
}

/** Throws `ERR_PCAP_MALFORMED` unless `condition` holds. */
export function must(condition: boolean, message: string, offset: number): asserts condition {
  if (!condition) throw new PcapError('ERR_PCAP_MALFORMED', message, offset)
}
