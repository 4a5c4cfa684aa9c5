import { type Endpoint, formatEndpoint, formatIp } from '@fata/addr'
import type { IpErrorCode, IpReport, IpReportKind } from '@fata/ip'
import { UdpError, type UdpErrorCode } from './errors.ts'

/** Every other kind, and every other error of IP or the device, is `ERR_UDP_UNREACHABLE`: more of them may come. */
const BY_KIND: Readonly<Partial<Record<IpReportKind, UdpErrorCode>>> = {
  'port-unreachable': 'ERR_UDP_REFUSED',
  'protocol-unreachable': 'ERR_UDP_REFUSED',
  'packet-too-big': 'ERR_UDP_TOO_LONG',
}

const BY_IP_CODE: Readonly<Partial<Record<IpErrorCode, UdpErrorCode>>> = {
  ERR_IP_NO_SOURCE: 'ERR_UDP_NO_ADDRESS',
  ERR_IP_FAMILY: 'ERR_UDP_FAMILY',
  ERR_IP_WOULD_FRAGMENT: 'ERR_UDP_TOO_LONG',
  ERR_IP_TOO_LONG: 'ERR_UDP_TOO_LONG',
}

/** What an application is told of a report about its datagram to `remote`. */
export function reportedError(report: IpReport, remote: Endpoint): UdpError {
  const { kind, reporter, mtu } = report
  const message = `${formatEndpoint(remote)}: ${kind}, says ${formatIp(reporter)}`
  return new UdpError(
    BY_KIND[kind] ?? 'ERR_UDP_UNREACHABLE',
    message,
    kind === 'packet-too-big' ? { remote, reporter, kind, mtu } : { remote, reporter, kind },
  )
}

/** An error of the IP layer or the device as one of UDP, with the original as its cause; anything else as it is. */
export function asUdpError(error: unknown, remote: Endpoint): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (!code.startsWith('ERR_IP_') && !code.startsWith('ERR_NET_')) return error
  const known = BY_IP_CODE[code as IpErrorCode] ?? 'ERR_UDP_UNREACHABLE'
  return new UdpError(known, `${formatEndpoint(remote)}: ${(error as Error).message}`, { cause: error, remote })
}
