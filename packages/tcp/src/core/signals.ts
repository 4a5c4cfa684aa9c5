/** Output that is owed, besides what the send queue asks for. Bits of `Connection.needs`. */
export const NEED_ACK = 1
/** SYN or SYN,ACK, by the state. */
export const NEED_SYN = 2
export const NEED_RESET = 4
/** A segment that the peer must answer: zero-window probe or keepalive. */
export const NEED_PROBE = 8
/** Send what fits, however little (RFC 9293 §3.8.6.2.1, rule 4). */
export const NEED_OVERRIDE = 16
/** The first segment that is lost goes at once, whatever the windows say. */
export const NEED_RESEND = 32
/** A tail loss probe (RFC 8985 §7.3), beyond the congestion window. */
export const NEED_TAIL = 64

/** What the shell is to tell the application. Bits of `Connection.events`. */
export const EVENT_ESTABLISHED = 1
/** There are bytes to read, or the peer's end. */
export const EVENT_READABLE = 2
/** Room has come in the send queue. */
export const EVENT_WRITABLE = 4
/** The FIN was sent; everything written and the FIN were acknowledged. */
export const EVENT_FIN_SENT = 8
export const EVENT_FIN_ACKED = 16
/** Asynchronous reports of RFC 9293 §3.9.1.8. */
export const EVENT_URGENT = 32
export const EVENT_SOFT_ERROR = 64
/** R1 of RFC 9293 §3.8.3: data has been retransmitted several times in vain. */
export const EVENT_STALLED = 128
/** The connection is gone: `failure` says why, undefined after an orderly end. */
export const EVENT_CLOSED = 256
