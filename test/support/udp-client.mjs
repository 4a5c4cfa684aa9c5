// Sends one datagram through the kernel's UDP and prints the answer. Usage: udp-client.mjs HOST PORT TEXT
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

const [host, port, text] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
const failed = (why) => {
  console.error(why)
  process.exitCode = 1
  socket.close()
}
const timer = setTimeout(() => failed('no answer within 5 s'), 5000)
socket.once('message', (message) => {
  clearTimeout(timer)
  process.stdout.write(message)
  socket.close()
})
// A connected socket is told of ICMP errors.
socket.connect(port, host, () => socket.send(text))
socket.once('error', (error) => {
  clearTimeout(timer)
  failed(error.code)
})
