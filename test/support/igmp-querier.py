# Sends an IGMP query out of an interface, as a router would. Usage: igmp-querier.py INTERFACE SOURCE VERSION [GROUP [SOURCES...]]
import socket
import struct
import sys

interface, source, version = sys.argv[1], sys.argv[2], int(sys.argv[3])
group, sources = (sys.argv[4:5] or ["0.0.0.0"])[0], sys.argv[5:]


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# Answers within 1 s; version 1 has no such field.
code = 0 if version == 1 else 10
body = socket.inet_aton(group)
if version == 3:
    body += struct.pack("!BBH", 2, 125, len(sources)) + b"".join(map(socket.inet_aton, sources))
message = struct.pack("!BBH", 0x11, code, 0) + body
message = struct.pack("!BBH", 0x11, code, checksum(message)) + body
destination = "224.0.0.1" if group == "0.0.0.0" else group

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IGMP)
raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
raw.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
raw.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x94\x04\x00\x00")
raw.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
raw.sendto(message, (destination, 0))
