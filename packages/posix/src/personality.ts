/** What systems differ in that answers of calls show, and what the system's knobs (sysctl) decide. All of it may be changed at any time. */
export interface Personality {
  readonly name: 'linux' | 'freebsd'
  /** `SO_RCVBUF` and `SO_SNDBUF` of a new socket: what getsockopt says, and what TCP may use of it. */
  receiveBuffer: number
  receiveBytes: number
  sendBuffer: number
  sendBytes: number
  /** The largest `SO_RCVBUF` and `SO_SNDBUF` that can be asked for. */
  receiveBufferMax: number
  sendBufferMax: number
  /** Linux books twice what is asked for, since its own records count too. */
  readonly doublesBuffers: boolean
  /** Seconds, seconds, count: keepalive of sockets that choose nothing. */
  keepIdle: number
  keepInterval: number
  keepCount: number
  /** Seconds: TCP_KEEPINIT. */
  keepInit: number
  synRetries: number
  /** TCP_LINGER2, seconds. */
  finTimeout: number
  /** TCP_MAXSEG of a socket without a connection. */
  readonly defaultMss: number
  congestion: string
  notSentLowat: number
  /** Longest backlog of listen(2). */
  backlogMax: number
  /** What writing on a socket without a connection says. */
  readonly unconnectedWrite: 'EPIPE' | 'ENOTCONN'
}

export function linux(): Personality {
  return {
    name: 'linux',
    receiveBuffer: 131_072,
    receiveBytes: 65_536,
    sendBuffer: 16_384,
    sendBytes: 4 * 1024 * 1024,
    receiveBufferMax: 212_992,
    sendBufferMax: 212_992,
    doublesBuffers: true,
    keepIdle: 7200,
    keepInterval: 75,
    keepCount: 9,
    keepInit: 75,
    synRetries: 6,
    finTimeout: 60,
    defaultMss: 536,
    congestion: 'cubic',
    notSentLowat: 0xffffffff,
    backlogMax: 4096,
    unconnectedWrite: 'EPIPE',
  }
}

export function freebsd(): Personality {
  return {
    ...linux(),
    name: 'freebsd',
    receiveBuffer: 65_536,
    sendBuffer: 32_768,
    sendBytes: 32_768,
    receiveBufferMax: 2_097_152,
    sendBufferMax: 2_097_152,
    doublesBuffers: false,
    keepCount: 8,
    backlogMax: 128,
    unconnectedWrite: 'ENOTCONN',
  }
}
