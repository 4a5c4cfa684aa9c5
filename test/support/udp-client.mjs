// Sends one datagram through the kernel's UDP and prints the answer. Usage: udp-client.mjs HOST PORT TEXT
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'

const [host, port, text] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
const end = (why) => {
  clearTimeout(timer)
  if (why !== undefined) {
    console.error(why)
    process.exitCode = 1
  }
  socket.close()
}
const timer = setTimeout(() => end('no answer within 5 s'), 5000)
socket.once('message', (message) => {
  process.stdout.write(message)
  end()
})
socket.once('error', (error) => end(error.code))
// A connected socket is told of ICMP errors.
socket.connect(port, host, (error) => {
  if (error) end(error.code)
  else socket.send(text)
})
