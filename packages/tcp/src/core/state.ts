import { assert } from '@fata/bytes'

/**
 * The state machine of RFC 9293 §3.3.2. Every change of state goes through `enter`; the table below is figure 5 without LISTEN, which
 * is no state of a connection here: a listener is an entry of the listen table, and a connection begins with its first segment.
 *
 *                              +---------+
 *                              |  CLOSED |
 *                              +---------+
 *           active open: snd SYN |     | LISTEN: rcv SYN, snd SYN,ACK
 *                                V     V
 *            +----------+   rcv SYN   +----------+
 *            | SYN-SENT |------------>| SYN-RCVD |
 *            +----------+ snd SYN,ACK +----------+
 *      rcv SYN,ACK |                    |  rcv ACK of SYN
 *                  V                    V
 *                 +---------------------+  rcv FIN   +------------+
 *                 |     ESTABLISHED     |----------->| CLOSE-WAIT |
 *                 +---------------------+            +------------+
 *            close: snd FIN |                              | close: snd FIN
 *                           V                              V
 *               +------------+  rcv FIN  +---------+   +----------+
 *               | FIN-WAIT-1 |---------->| CLOSING |   | LAST-ACK |
 *               +------------+           +---------+   +----------+
 *         rcv ACK of FIN |        rcv ACK of FIN |             | rcv ACK of FIN
 *                        V                       V             V
 *               +------------+ rcv FIN  +-----------+ 2MSL +--------+
 *               | FIN-WAIT-2 |--------->| TIME-WAIT |----->| CLOSED |
 *               +------------+          +-----------+      +--------+
 */
export type State =
  | 'CLOSED'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT'

/** What moves a connection from state to state. `delete` stands for everything that ends it at once: reset, abort, timeout, 2MSL. */
export type StateEvent = 'open' | 'rcv-syn' | 'rcv-ack-of-syn' | 'close' | 'rcv-fin' | 'rcv-ack-of-fin' | 'delete'

const TABLE: { readonly [S in State]: { readonly [E in StateEvent]?: State } } = {
  CLOSED: { open: 'SYN-SENT', 'rcv-syn': 'SYN-RECEIVED' },
  'SYN-SENT': { 'rcv-syn': 'SYN-RECEIVED', 'rcv-ack-of-syn': 'ESTABLISHED', delete: 'CLOSED' },
  'SYN-RECEIVED': { 'rcv-ack-of-syn': 'ESTABLISHED', delete: 'CLOSED' },
  ESTABLISHED: { close: 'FIN-WAIT-1', 'rcv-fin': 'CLOSE-WAIT', delete: 'CLOSED' },
  'FIN-WAIT-1': { 'rcv-ack-of-fin': 'FIN-WAIT-2', 'rcv-fin': 'CLOSING', delete: 'CLOSED' },
  'FIN-WAIT-2': { 'rcv-fin': 'TIME-WAIT', delete: 'CLOSED' },
  'CLOSE-WAIT': { close: 'LAST-ACK', delete: 'CLOSED' },
  CLOSING: { 'rcv-ack-of-fin': 'TIME-WAIT', delete: 'CLOSED' },
  'LAST-ACK': { 'rcv-ack-of-fin': 'CLOSED', delete: 'CLOSED' },
  'TIME-WAIT': { delete: 'CLOSED' },
}

/** The state that follows, or undefined where the table has none. */
export function nextState(state: State, event: StateEvent): State | undefined {
  return TABLE[state][event]
}

/** Moves `c` along the table, the only writer of `state`, and returns where it is. */
export function enter(c: { state: State }, event: StateEvent): State {
  const next = nextState(c.state, event)
  assert(next !== undefined, `nobody lets '${event}' happen in ${c.state}`)
  c.state = next
  return next
}

/** The SYN of each side has been acknowledged: RFC 9293 §3.5.2, third group. */
export function isSynchronized(state: State): boolean {
  return state !== 'CLOSED' && state !== 'SYN-SENT' && state !== 'SYN-RECEIVED'
}

/** Data of the peer is taken: no FIN of his has been received. */
export function canReceive(state: State): boolean {
  return state === 'ESTABLISHED' || state === 'FIN-WAIT-1' || state === 'FIN-WAIT-2'
}

/** Data can still be written: `close` has not been called. */
export function canWrite(state: State): boolean {
  return state === 'ESTABLISHED' || state === 'CLOSE-WAIT'
}
