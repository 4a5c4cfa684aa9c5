# The kernel's end of a TCP connection. Prints "CONGESTION SHA256 COUNT" for what was sent or received; with `send` and `echo` it compares.
# Usage: tcp-client.py send|receive|echo HOST PORT CONGESTION [BYTES [ss]]
#        tcp-client.py listen-echo|listen-receive HOST PORT CONGESTION   (prints "listening", serves one connection)
#        tcp-client.py talk HOST PORT CONGESTION TURNS                   (a byte there and back, TURNS times; prints each)
import hashlib
import random
import socket
import subprocess
import sys
import threading

what, host, port, congestion = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
size = int(sys.argv[5]) if len(sys.argv) > 5 else 0
family = socket.AF_INET6 if ":" in host else socket.AF_INET
sock = socket.socket(family, socket.SOCK_STREAM)
sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, congestion.encode())


def chunks():
    source = random.Random(size)
    for at in range(0, size, 65536):
        yield source.randbytes(min(65536, size - at))


def send_all():
    digest = hashlib.sha256()
    for chunk in chunks():
        digest.update(chunk)
        sock.sendall(chunk)
    sock.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def receive_all(connection, answer=None):
    digest, count = hashlib.sha256(), 0
    while chunk := connection.recv(65536):
        digest.update(chunk)
        count += len(chunk)
        if answer:
            answer(chunk)
    return digest.hexdigest(), count


def report(digest, count):
    used = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).split(b"\0")[0].decode()
    print(used, digest, count, flush=True)


if what.startswith("listen"):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.listen(1)
    print("listening", flush=True)
    connection, _ = sock.accept()
    report(*receive_all(connection, connection.sendall if what == "listen-echo" else None))
    connection.close()
    sys.exit(0)

sock.connect((host, port))
if what == "receive":
    report(*receive_all(sock))
elif what == "send":
    sent = send_all()
    answer = b""
    while chunk := sock.recv(65536):
        answer += chunk
    report(sent, size)
    if answer.decode() != sent:
        sys.exit("sent %s, arrived %s" % (sent, answer.decode()))
elif what == "echo":
    answered = []
    reader = threading.Thread(target=lambda: answered.extend(receive_all(sock)))
    if len(sys.argv) > 6:
        # Looked at while it is open: what is sent comes back, then `ss` speaks.
        payload = b"".join(chunks())
        sock.sendall(payload)
        back = b""
        while len(back) < size:
            back += sock.recv(65536)
        subprocess.run(["ss", "-tinoH", "dport", "= :%d" % port], check=True)
        sys.exit(0 if back == payload else "echo differs")
    reader.start()
    sent = send_all()
    reader.join()
    report(sent, size)
    if answered != [sent, size]:
        sys.exit("sent %s, came back %s" % (sent, answered))
elif what == "talk":
    for turn in range(size):
        sock.sendall(bytes([turn % 256]))
        if sock.recv(1) != bytes([turn % 256]):
            sys.exit("turn %d: another byte" % turn)
        print(turn, flush=True)
