import {
  formatIp,
  type IpAddress,
  ipEquals,
  isIpv4,
  isIpv4Loopback,
  isIpv6Loopback,
  isMulticast,
  isUnspecified,
} from '@fata/addr'
import type { Ip } from '@fata/ip'
import { EVERY_PORT, type Family } from './core/port-table.ts'
import { UdpError } from './errors.ts'
import { requireInRange, requireInteger, type UdpSettings } from './options.ts'
import { isBroadcast } from './sender.ts'
import type { SocketSetup } from './socket.ts'
import type { UdpBindOptions } from './types.ts'

/** Reads what a socket is to be; `choosePort` is asked where the caller does not care. Throws as `Udp.bind`. */
export function setUp(ip: Ip, options: UdpBindOptions, settings: UdpSettings, choosePort: () => number): SocketSetup {
  const { address, port = 0, transparent = false } = options
  const { queueDatagrams = settings.queueDatagrams, queueBytes = settings.queueBytes } = options
  requireInRange('queueDatagrams', queueDatagrams)
  requireInRange('queueBytes', queueBytes)
  if (port !== 'any') requireInteger('port', port, 0, 65535)

  const local = address === undefined || isUnspecified(address) ? undefined : address
  const shape = local === undefined ? 'host' : shapeOf(ip, local)
  if (shape === 'foreign' && !transparent)
    throw new UdpError('ERR_UDP_NO_ADDRESS', `${formatIp(address!)} is not an address of this host`)
  return {
    address,
    local,
    family: familyOf(address),
    source: shape === 'group' ? undefined : local,
    localPort: port === 'any' ? EVERY_PORT : port === 0 ? choosePort() : port,
    shared: options.shared ?? false,
    mayBroadcast: options.broadcast ?? false,
    queueDatagrams,
    queueBytes,
    onMessage: options.onMessage,
    onError: options.onError,
  }
}

function familyOf(address: IpAddress | undefined): Family {
  return address === undefined ? 'both' : isIpv4(address) ? 'ipv4' : 'ipv6'
}

function shapeOf(ip: Ip, address: IpAddress): 'host' | 'group' | 'foreign' {
  if (isMulticast(address) || isBroadcast(ip, address)) return 'group'
  if (isIpv4(address) ? isIpv4Loopback(address) : isIpv6Loopback(address)) return 'host'
  return ip.addresses().some((prefix) => ipEquals(prefix.address, address)) ? 'host' : 'foreign'
}
