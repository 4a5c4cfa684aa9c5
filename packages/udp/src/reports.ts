import { type Endpoint, formatEndpoint, formatIp } from '@fata/addr'
import type { IpErrorCode, IpReport, IpReportKind } from '@fata/ip'
import { UdpError, type UdpErrorCode } from './errors.ts'

const BY_KIND: Readonly<Record<IpReportKind, UdpErrorCode>> = {
  'port-unreachable': 'ERR_UDP_REFUSED',
  'protocol-unreachable': 'ERR_UDP_REFUSED',
  'net-unreachable': 'ERR_UDP_UNREACHABLE',
  'host-unreachable': 'ERR_UDP_UNREACHABLE',
  prohibited: 'ERR_UDP_UNREACHABLE',
  'source-route-failed': 'ERR_UDP_UNREACHABLE',
  'time-exceeded': 'ERR_UDP_UNREACHABLE',
  'reassembly-timeout': 'ERR_UDP_UNREACHABLE',
  'parameter-problem': 'ERR_UDP_UNREACHABLE',
  'packet-too-big': 'ERR_UDP_TOO_LONG',
}

const BY_IP_CODE: Readonly<Record<IpErrorCode, UdpErrorCode>> = {
  ERR_IP_NO_ROUTE: 'ERR_UDP_UNREACHABLE',
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
    BY_KIND[kind],
    message,
    kind === 'packet-too-big' ? { remote, reporter, kind, mtu } : { remote, reporter, kind },
  )
}

/** An error of the IP layer or the device as one of UDP, with the original as its cause; anything else as it is. */
export function asUdpError(error: unknown, remote: Endpoint): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string') return error
  const known = code.startsWith('ERR_NET_') ? 'ERR_UDP_UNREACHABLE' : BY_IP_CODE[code as IpErrorCode]
  if (known === undefined) return error
  return new UdpError(known, `${formatEndpoint(remote)}: ${(error as Error).message}`, { cause: error, remote })
}
