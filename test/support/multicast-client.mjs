// Joins a group through the kernel, says so, prints the first datagram that comes and ends. Usage: multicast-client.mjs GROUP PORT INTERFACE_ADDRESS
import { createSocket } from 'node:dgram'

const [group, port, own] = [process.argv[2], Number(process.argv[3]), process.argv[4]]
const socket = createSocket({ type: 'udp4', reuseAddr: true })
socket.once('message', (message, { address }) => {
  console.log(`${address} ${message}`)
  socket.close()
})
socket.bind(port, () => {
  socket.addMembership(group, own)
  socket.setMulticastInterface(own)
  console.log('joined')
  // The kernel is a sender, too.
  socket.send('from the kernel', port + 1, group)
})
