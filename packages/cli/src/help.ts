import type { Command } from './command.ts'

const COMMON = `Network (names and meaning as in MirageOS; without --interface a virtual LAN in this process):
  --interface=NAME             TAP device to use or make (Linux, CAP_NET_ADMIN)
  --ipv4=ADDRESS/LENGTH        own IPv4 address and prefix length (default: by DHCP; 10.0.0.2/24 on the virtual LAN and with --no-dhcp)
  --no-dhcp                    do not ask for an address by DHCP
  --ipv4-gateway=ADDRESS       IPv4 default gateway
  --ipv6=ADDRESS/LENGTH        own IPv6 address, beside the link-local one (default fd00::2/64 on the virtual LAN)
  --ipv6-gateway=ADDRESS       IPv6 default gateway
  --ipv4-only, --ipv6-only     one address family only
  --accept-router-advertisements=BOOL   configure IPv6 from routers (default true)
  --name=HOST                  host name, told to DHCP servers
  --dns-servers=ADDRESS,...    whom to ask for names, in place of what the network says
  --GROUP-interface=NAME ...   a second interface, with arguments of its own: --wan-interface=tap1 --wan-ipv4=...

General:
  --pcap=FILE                  write every frame to FILE (pcapng)
  --mtu=N                      largest IP packet in bytes
  --socket                     the host's own sockets in place of a device; --ipv4 and --ipv6 say where to listen
  --no-offload                 no checksum and segmentation offload
  --log=LEVEL                  debug, info, warn (default), error, silent
  --help                       this text`

/** What `fata --help` shows. */
export function overview(commands: Readonly<Record<string, Command>>): string {
  const width = Math.max(...Object.entries(commands).map(([word, command]) => `${word} ${command.operands}`.length))
  const rows = Object.entries(commands).map(
    ([word, command]) => `  fata ${`${word} ${command.operands}`.padEnd(width)}   ${command.summary}`,
  )
  return `TCP/IP in TypeScript, from the command line.\n\n${rows.join('\n')}\n\n${COMMON}`
}

/** What `fata COMMAND --help` shows. */
export function commandHelp(word: string, command: Command): string {
  const own = command.help.length === 0 ? '' : `\n${command.help.map((line) => `  ${line}`).join('\n')}\n`
  return `fata ${word} ${command.operands}\n\n${command.summary}\n${own}\n${COMMON}`
}
