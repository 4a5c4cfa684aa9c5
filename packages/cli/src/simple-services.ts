import type { Flow } from '@fata/flow'

/** RFC 862 */
export const ECHO_PORT = 7
/** RFC 863 */
export const DISCARD_PORT = 9
/** RFC 864 */
export const CHARGEN_PORT = 19

const LINE_CHARACTERS = 72
const FIRST_PRINTABLE = 0x20
const PRINTABLES = 95
const LINES_PER_CHUNK = 95
/** RFC 864: a datagram carries 0 to 512 characters. */
const CHARGEN_DATAGRAM_BYTES = 512

/** Lines of 72 printable characters, each line beginning one character later (RFC 864 §2). Starts at line `first`. */
export function chargenLines(first: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count * (LINE_CHARACTERS + 2))
  let o = 0
  for (let line = first; line < first + count; line++) {
    for (let i = 0; i < LINE_CHARACTERS; i++) bytes[o++] = FIRST_PRINTABLE + ((line + i) % PRINTABLES)
    bytes[o++] = 0x0d
    bytes[o++] = 0x0a
  }
  return bytes
}

/** What chargen answers a datagram with. */
export function chargenDatagram(first: number): Uint8Array {
  const lines = Math.floor(CHARGEN_DATAGRAM_BYTES / (LINE_CHARACTERS + 2))
  return chargenLines(first % PRINTABLES, lines)
}

/** Sends back what comes, until the peer's end; the pace is that of the peer's reading. */
export async function echo(flow: Flow): Promise<void> {
  for await (const chunk of flow) await flow.write(chunk)
  await flow.close()
}

/** Reads and forgets, until the peer's end. */
export async function discard(flow: Flow): Promise<void> {
  for await (const _chunk of flow);
  await flow.close()
}

/** Sends characters for as long as the peer takes them; what it sends is forgotten. */
export async function chargen(flow: Flow): Promise<void> {
  const drain = discard(flow)
  for (let line = 0; ; line = (line + LINES_PER_CHUNK) % PRINTABLES) {
    try {
      await flow.write(chargenLines(line, LINES_PER_CHUNK))
    } catch {
      // The peer has heard enough: that is how this service ends.
      break
    }
  }
  flow.abort()
  await drain.catch(() => {})
}

/**
 * Whether a datagram from `port` may be answered: two such services at each other's ports would keep each other busy for ever, and a
 * forged source is enough to start them.
 */
export function mayAnswer(port: number): boolean {
  return port !== ECHO_PORT && port !== CHARGEN_PORT && port !== DISCARD_PORT
}
