import { formatIp, type IpAddress, isIpv4, parseIp } from './ip.ts'

/** An address and a port, 0..65535. */
export interface Endpoint {
  readonly address: IpAddress
  readonly port: number
}

/** `10.0.0.1:80` or `[fd00::1]:80`. Undefined on anything else. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^(?:\[([^\]]*:[^\]]*)\]|([\d.]+)):(0|[1-9]\d{0,4})$/.exec(text)
  if (match === null) return undefined
  const address = parseIp(match[1] ?? match[2]!)
  const port = Number(match[3])
  return address === undefined || port > 65535 ? undefined : { address, port }
}

/** As `parseEndpoint`; throws a TypeError that quotes the text. */
export function endpoint(text: string): Endpoint {
  const e = parseEndpoint(text)
  if (e === undefined) throw new TypeError(`not an endpoint (address:port): '${text}'`)
  return e
}

/** IPv6 addresses stand in brackets. */
export function formatEndpoint(e: Endpoint): string {
  return isIpv4(e.address) ? `${formatIp(e.address)}:${e.port}` : `[${formatIp(e.address)}]:${e.port}`
}
