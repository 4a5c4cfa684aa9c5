import { fromHex } from '@fata/bytes'

// Of Linux 6.18 on a veth pair, 02:00:00:00:00:0a and :0b, as tcpdump shows them; each from the IPv6 header on.

/** :: > ff02::1:ff00:b: ICMP6, neighbor solicitation, length 32, who has fe80::ff:fe00:b, nonce 5e0258db6c11 */
export const DAD_PROBE: Uint8Array = fromHex(
  '6000000000203aff 00000000000000000000000000000000 ff0200000000000000000001ff00000b 87004c1900000000 fe80000000000000000000fffe00000b 0e015e0258db6c11',
)
/** fd00::a > ff02::1:ff00:b: ICMP6, neighbor solicitation, length 32, who has fd00::b, source link-address 02:00:00:00:00:0a */
export const SOLICITATION: Uint8Array = fromHex(
  '6000000000203aff fd00000000000000000000000000000a ff0200000000000000000001ff00000b 87007d7300000000 fd00000000000000000000000000000b 010102000000000a',
)
/** fd00::b > fd00::a: ICMP6, neighbor advertisement, length 32, tgt is fd00::b, Flags [solicited, override], destination link-address 02:00:00:00:00:0b */
export const ADVERTISEMENT: Uint8Array = fromHex(
  '6000000000203aff fd00000000000000000000000000000b fd00000000000000000000000000000a 88001c7660000000 fd00000000000000000000000000000b 020102000000000b',
)
/** fe80::ff:fe00:b > ff02::2: ICMP6, router solicitation, length 16, source link-address 02:00:00:00:00:0b */
export const ROUTER_SOLICITATION: Uint8Array = fromHex(
  '6000000000103aff fe80000000000000000000fffe00000b ff020000000000000000000000000002 85007b1800000000 010102000000000b',
)
/** fe80::ff:fe00:b > ff02::16: HBH (rtalert: 0x0000) (padn) ICMP6, multicast listener report v2, 1 group record(s) [gaddr ff02::1:ff00:b to_ex { }] */
export const MLD_REPORT: Uint8Array = fromHex(
  '6000000000240001 fe80000000000000000000fffe00000b ff020000000000000000000000000016 3a00050200000100 8f0071f300000001 04000000 ff0200000000000000000001ff00000b',
)
/** fd00::a.52997 > fd00::b.9: UDP, length 5 (flowlabel 0x8ed81); the checksum is left to the device. */
export const UDP: Uint8Array = fromHex(
  '6008ed81000d1140 fd00000000000000000000000000000a fd00000000000000000000000000000b cf050009000dfa34 68656c6c6f',
)
/** fd00::b > fd00::a: ICMP6, destination unreachable, unreachable port, fd00::b udp port 9, length 61 (flowlabel 0x5dfaa) */
export const PORT_UNREACHABLE: Uint8Array = fromHex(
  '6005dfaa003d3a40 fd00000000000000000000000000000b fd00000000000000000000000000000a 01049e5c00000000 6008ed81000d1140 fd00000000000000000000000000000a fd00000000000000000000000000000b cf050009000dfa34 68656c6c6f',
)
/** fd00::a > fd00::b: frag (0xcb5c6291:2896|112), the last one of an echo request; its data are left out from here on. */
export const LAST_FRAGMENT_HEADERS: Uint8Array = fromHex(
  '6003ec4a00782c40 fd00000000000000000000000000000a fd00000000000000000000000000000b 3a000b50cb5c6291',
)

// Written by hand in Python, as tcpdump 4.99 shows them.

/**
 * fe80::1 > ff02::1: ICMP6, router advertisement, hop limit 64, Flags [other stateful], pref high, router lifetime 1800s, reachable time
 * 30000ms, retrans timer 1000ms; source link-address 02:00:00:00:00:01; mtu 1480; prefix 2001:db8:1::/64, Flags [onlink, auto],
 * valid time 86400s, pref. time 14400s; route 2001:db8:ff::/48, pref=low, lifetime=600s; rdnss lifetime 300s, addr: 2001:db8:1::53; dnssl
 * lifetime 300s, domain(s): example.org.
 */
export const ROUTER_ADVERTISEMENT: Uint8Array = fromHex(
  '6000000000803aff fe800000000000000000000000000001 ff020000000000000000000000000001 8600014340480708 00007530000003e8' +
    '0101020000000001 05010000000005c8 030440c000015180000038400000000020010db8000100000000000000000000' +
    '180230180000025820010db800ff0000 190300000000012c20010db8000100000000000000000053' +
    '1f0300000000012c076578616d706c65036f726700000000',
)
/** fe80::1 > 2001:db8:1::a: ICMP6, redirect, 2001:db8:2::1 to fe80::2; destination link-address 02:00:00:00:00:02; redirected header */
export const REDIRECT: Uint8Array = fromHex(
  '6000000000603aff fe800000000000000000000000000001 20010db800010000000000000000000a 89001f1600000000' +
    'fe800000000000000000000000000002 20010db8000200000000000000000001 0201020000000002' +
    '0406000000000000 6000000000003b4020010db800010000000000000000000a20010db8000200000000000000000001',
)
/** fe80::1 > ff02::1: HBH (rtalert: 0x0000) (padn) ICMP6, multicast listener query v2 [max resp delay=10000] [gaddr :: robustness=2 qqi=125] */
export const MLD_QUERY: Uint8Array = fromHex(
  '6000000000240001 fe800000000000000000000000000001 ff020000000000000000000000000001 3a00050200000100' +
    '8200569627100000 00000000000000000000000000000000 027d0000',
)
