// Accepts TCP connections of the kernel and answers each, when it has ended, with the number of bytes that came. Usage: counting-server.mjs PORT
import { createServer } from 'node:net'

const port = Number(process.argv[2])
const server = createServer({ allowHalfOpen: true }, (socket) => {
  let count = 0
  socket.on('data', (data) => (count += data.length))
  socket.on('end', () => socket.end(String(count)))
})
server.listen(port, () => console.log('listening'))
