import type { TcpInfo } from '@fata/tcp'

/** `struct tcp_info` of Linux, as far as it can be told; times are microseconds. */
export type TcpInfoStruct = Readonly<Record<`tcpi_${string}`, number>>

/** Values of `tcpi_state` by the names of Linux and of FreeBSD, and of the fields that are sets of bits or enumerations. */
export const TCP_STATES = Object.freeze({
  TCP_ESTABLISHED: 1,
  TCP_SYN_SENT: 2,
  TCP_SYN_RECV: 3,
  TCP_FIN_WAIT1: 4,
  TCP_FIN_WAIT2: 5,
  TCP_TIME_WAIT: 6,
  TCP_CLOSE: 7,
  TCP_CLOSE_WAIT: 8,
  TCP_LAST_ACK: 9,
  TCP_LISTEN: 10,
  TCP_CLOSING: 11,
  TCP_CA_Open: 0,
  TCP_CA_Disorder: 1,
  TCP_CA_CWR: 2,
  TCP_CA_Recovery: 3,
  TCP_CA_Loss: 4,
  TCPI_CLOSED: 7,
  TCPI_LISTEN: 10,
  TCPI_SYN_SENT: 2,
  TCPI_SYN_RECEIVED: 3,
  TCPI_ESTABLISHED: 1,
  TCPI_CLOSE_WAIT: 8,
  TCPI_FIN_WAIT_1: 4,
  TCPI_CLOSING: 11,
  TCPI_LAST_ACK: 9,
  TCPI_FIN_WAIT_2: 5,
  TCPI_TIME_WAIT: 6,
  TCPI_OPT_TIMESTAMPS: 1,
  TCPI_OPT_SACK: 2,
  TCPI_OPT_WSCALE: 4,
  TCPI_OPT_ECN: 8,
  TCPI_OPT_ECN_SEEN: 16,
  TCPI_OPT_SYN_DATA: 32,
})

const STATE_NUMBERS: { readonly [S in TcpInfo['state']]: number } = {
  CLOSED: 7,
  'SYN-SENT': 2,
  'SYN-RECEIVED': 3,
  ESTABLISHED: 1,
  'FIN-WAIT-1': 4,
  'FIN-WAIT-2': 5,
  'CLOSE-WAIT': 8,
  CLOSING: 11,
  'LAST-ACK': 9,
  'TIME-WAIT': 6,
}

/** What ssthresh says before the first loss. */
const INFINITE_SSTHRESH = 0x7fffffff

/** The number that Linux has for a state. */
export function stateNumber(state: TcpInfo['state']): number {
  return STATE_NUMBERS[state]
}

const CONGESTION_STATES: { readonly [S in TcpInfo['congestionState']]: number } = {
  open: 0,
  disorder: 1,
  cwr: 2,
  recovery: 3,
  loss: 4,
}

function optionBits(info: TcpInfo): number {
  return (
    (info.timestamps ? TCP_STATES.TCPI_OPT_TIMESTAMPS : 0) |
    (info.sack ? TCP_STATES.TCPI_OPT_SACK : 0) |
    (info.windowScaling ? TCP_STATES.TCPI_OPT_WSCALE : 0) |
    (info.ecn ? TCP_STATES.TCPI_OPT_ECN : 0) |
    (info.synData ? TCP_STATES.TCPI_OPT_SYN_DATA : 0)
  )
}

/** Times of the stack are ms, windows bytes; here they are microseconds and segments. */
export function tcpInfoStruct(info: TcpInfo): TcpInfoStruct {
  const us = (ms: number): number => Math.round(ms * 1000)
  const mss = Math.max(1, info.mss)
  const known = (ms: number): number => (Number.isFinite(ms) ? Math.round(ms) : 0)
  const infinite = !Number.isFinite(info.ssthresh) || info.ssthresh >= INFINITE_SSTHRESH
  return {
    tcpi_state: stateNumber(info.state),
    tcpi_ca_state: CONGESTION_STATES[info.congestionState],
    tcpi_retransmits: info.backoff,
    tcpi_probes: info.probes,
    tcpi_backoff: info.backoff,
    tcpi_options: optionBits(info),
    tcpi_snd_wscale: info.sendScale,
    tcpi_rcv_wscale: info.receiveScale,
    tcpi_rto: us(info.rtoMs),
    tcpi_snd_mss: info.mss,
    tcpi_rcv_mss: info.receiveMss,
    tcpi_unacked: info.unackedSegments,
    tcpi_sacked: info.sackedSegments,
    tcpi_lost: info.lostSegments,
    tcpi_retrans: info.resentSegments,
    tcpi_fackets: 0,
    tcpi_last_data_sent: known(info.sinceTextOutMs),
    tcpi_last_data_recv: known(info.sinceTextInMs),
    tcpi_last_ack_recv: known(info.sinceHeardMs),
    tcpi_pmtu: info.pathMtu,
    tcpi_rtt: us(info.rttMs),
    tcpi_rttvar: us(info.rttVarMs),
    tcpi_min_rtt: Number.isFinite(info.minRttMs) ? us(info.minRttMs) : 0xffffffff,
    tcpi_snd_ssthresh: infinite ? INFINITE_SSTHRESH : Math.floor(info.ssthresh / mss),
    tcpi_snd_cwnd: Math.floor(info.cwnd / mss),
    tcpi_snd_wnd: info.sendWindow,
    tcpi_rcv_space: info.receiveWindow,
    tcpi_advmss: info.advertisedMss,
    tcpi_reordering: 3,
    tcpi_reord_seen: info.reorderings,
    tcpi_dsack_dups: info.duplicates,
    tcpi_total_retrans: info.retransmits,
    tcpi_bytes_acked: info.bytesAcked,
    tcpi_bytes_sent: info.bytesSent + info.retransmittedBytes,
    tcpi_bytes_retrans: info.retransmittedBytes,
    tcpi_bytes_received: info.bytesReceived,
    tcpi_notsent_bytes: info.unsentBytes,
    tcpi_delivered: info.deliveredSegments,
    tcpi_delivered_ce: info.deliveredMarkedSegments,
    tcpi_busy_time: us(info.busyMs),
    tcpi_rwnd_limited: us(info.windowLimitedMs),
    tcpi_sndbuf_limited: us(info.bufferLimitedMs),
    tcpi_pacing_rate: Number.isFinite(info.paceBytesPerSecond)
      ? Math.round(info.paceBytesPerSecond)
      : Number.MAX_SAFE_INTEGER,
  }
}

/** Of a socket that has no connection. */
export function bareInfoStruct(state: number): TcpInfoStruct {
  return {
    tcpi_state: state,
    tcpi_ca_state: 0,
    tcpi_options: 0,
    tcpi_backoff: 0,
    tcpi_probes: 0,
    tcpi_unacked: 0,
    tcpi_sacked: 0,
    tcpi_lost: 0,
    tcpi_retrans: 0,
    tcpi_snd_cwnd: 10,
    tcpi_snd_ssthresh: INFINITE_SSTHRESH,
    tcpi_snd_mss: 536,
    tcpi_advmss: 1460,
    tcpi_snd_wscale: 0,
    tcpi_rcv_wscale: 0,
    tcpi_rtt: 0,
    tcpi_reordering: 3,
    tcpi_delivered: 0,
  }
}
