import type { Mac } from '@fata/addr'
import type { DhcpClientSettings } from './client-options.ts'
import type { ClientIdentity } from './core/client-messages.ts'
import { clientIdFromDuid, clientIdFromMac, duidFromMac, iaidFromMac } from './wire/client-id.ts'
import { OPTION_CLIENT_ID, OPTION_HOST_NAME, OPTION_LEASE_TIME, OPTION_VENDOR_CLASS } from './wire/options.ts'

/** What a client says of itself. Checks it by encoding it once: throws a RangeError or TypeError for nonsense. */
export function identity(mac: Mac, set: DhcpClientSettings): ClientIdentity {
  if (set.hostName !== undefined) OPTION_HOST_NAME.encode(set.hostName)
  if (set.vendorClass !== undefined) OPTION_VENDOR_CLASS.encode(set.vendorClass)
  if (set.leaseSeconds !== undefined) OPTION_LEASE_TIME.encode(set.leaseSeconds)
  const { hostName, vendorClass, leaseSeconds } = set
  return { ...set, mac, clientId: clientIdOf(mac, set.clientId), hostName, vendorClass, leaseSeconds }
}

function clientIdOf(mac: Mac, option: DhcpClientSettings['clientId']): Uint8Array | undefined {
  if (option === 'none') return undefined
  if (option === 'mac') return clientIdFromMac(mac)
  if (option === 'duid') return clientIdFromDuid(iaidFromMac(mac), duidFromMac(mac))
  return OPTION_CLIENT_ID.encode(option)
}
