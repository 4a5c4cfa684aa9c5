/** A TCP segment in an IP packet behind a link header, to be built the slow way. */
export interface TcpSpec {
  readonly version: 4 | 6
  readonly link: readonly number[]
  /** IPv4: options. IPv6: the bytes of a destination options header, of which the first 2 are overwritten. Multiples of 4 bytes. */
  readonly ipOptions: readonly number[]
  readonly tcpOptions: readonly number[]
  readonly id: number
  readonly seq: number
  readonly flags: number
  readonly payload: readonly number[]
}

const SRC = [192, 0, 2, 1]
const DST = [198, 51, 100, 7]
const SRC6 = [0x20, 0x01, 0x0d, 0xb8, ...new Array(11).fill(0), 1]
const DST6 = [0xfe, 0x80, ...new Array(12).fill(0), 0xab, 0xcd]
const be16 = (v: number): number[] => [(v >>> 8) & 0xff, v & 0xff]
const be32 = (v: number): number[] => [...be16(v >>> 16), ...be16(v)]

/** RFC 1071, as its text says it. */
export function naiveChecksum(bytes: readonly number[]): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0)
    if (sum > 0xffff) sum -= 0xffff
  }
  return 0xffff - sum
}

/** Builds the frame with its checksum complete, or with the folded sum of the pseudo-header in its place. */
export function buildTcp(spec: TcpSpec, as: 'partial' | 'complete'): { bytes: Uint8Array; ip: number; tcp: number } {
  const dataOffset = (20 + spec.tcpOptions.length) / 4
  const segment = [
    ...be32(0x1234_0050),
    ...be32(spec.seq),
    ...be32(0xcafe_f00d),
    dataOffset << 4,
    spec.flags,
    ...be16(0xfaf0),
    ...[0, 0],
    ...be16(7),
    ...spec.tcpOptions,
    ...spec.payload,
  ]
  const pseudo =
    spec.version === 4
      ? [...SRC, ...DST, 0, 6, ...be16(segment.length)]
      : [...SRC6, ...DST6, ...be32(segment.length), 0, 0, 0, 6]
  const sum = as === 'partial' ? 0xffff - naiveChecksum(pseudo) : naiveChecksum([...pseudo, ...segment])
  segment.splice(16, 2, ...be16(sum))
  const header = spec.version === 4 ? ipv4Header(spec, segment.length) : ipv6Header(spec, segment.length)
  const ip = spec.link.length
  return { bytes: Uint8Array.from([...spec.link, ...header, ...segment]), ip, tcp: ip + header.length }
}

function ipv4Header(spec: TcpSpec, segment: number): number[] {
  const length = 20 + spec.ipOptions.length
  const header = [0x40 | (length / 4), 0x02, ...be16(length + segment), ...be16(spec.id), 0x40, 0, 64, 6, 0, 0]
  header.push(...SRC, ...DST, ...spec.ipOptions)
  header.splice(10, 2, ...be16(naiveChecksum(header)))
  return header
}

function ipv6Header(spec: TcpSpec, segment: number): number[] {
  const extension = spec.ipOptions.slice(0, spec.ipOptions.length & ~7)
  if (extension.length > 0) extension.splice(0, 2, 6, extension.length / 8 - 1)
  const next = extension.length > 0 ? 60 : 6
  return [0x60, 0x21, 0x43, 0x65, ...be16(extension.length + segment), next, 64, ...SRC6, ...DST6, ...extension]
}
