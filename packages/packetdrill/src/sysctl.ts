import { Unsupported } from './errors.ts'
import { BSD_BUFFER, type Settings } from './settings.ts'

type Setter = (s: Settings, value: string) => void

const first = (value: string): number => Number(value.trim().split(/\s+/)[0])
const isOn = (value: string): boolean => first(value) !== 0
const nth = (value: string, n: number): number => Number(value.trim().split(/\s+/)[n])

/** Nothing of the stack depends on it. */
const harmless: Setter = () => {}

/** Accepts the value that the stack has built in. */
function only(name: string, ...values: number[]): Setter {
  return (_, value) => {
    if (!values.includes(first(value))) throw new Unsupported(`sysctl ${name}=${value.trim()} is not modelled`)
  }
}

const LINUX: Readonly<Record<string, Setter>> = {
  tcp_timestamps: (s, v) => {
    s.tcp.timestamps = isOn(v)
  },
  tcp_sack: (s, v) => {
    s.tcp.sack = isOn(v)
  },
  tcp_window_scaling: (s, v) => {
    s.tcp.windowScale = isOn(v)
  },
  tcp_ecn: (s, v) => {
    const mode = (['off', 'request', 'accept'] as const)[first(v)]
    if (mode === undefined) throw new Unsupported(`sysctl tcp_ecn=${v.trim()} (Accurate ECN) is not modelled`)
    s.tcp.ecn = mode
  },
  tcp_congestion_control: (s, v) => {
    const name = v.trim()
    if (name !== 'cubic' && name !== 'reno') throw new Unsupported(`congestion control ${name} is not modelled`)
    s.tcp.congestion = name === 'reno' ? 'newreno' : 'cubic'
    s.personality.congestion = name
  },
  tcp_rmem: (s, v) => {
    // Half of the memory is for what the kernel adds to it.
    s.personality.receiveBuffer = nth(v, 1)
    s.tcp.receiveBufferBytes = nth(v, 1) / 2
    s.tcp.receiveBufferMaxBytes = nth(v, 2)
  },
  tcp_wmem: (s, v) => {
    s.personality.sendBuffer = nth(v, 1)
    s.personality.sendBytes = nth(v, 2)
    s.tcp.sendBufferBytes = nth(v, 1)
    s.tcp.sendBufferMaxBytes = nth(v, 2)
  },
  tcp_syn_retries: (s, v) => {
    s.personality.synRetries = first(v)
  },
  tcp_fin_timeout: (s, v) => {
    s.personality.finTimeout = first(v)
    s.tcp.finWait2Ms = 1000 * first(v)
  },
  tcp_keepalive_time: (s, v) => {
    s.personality.keepIdle = first(v)
  },
  tcp_keepalive_intvl: (s, v) => {
    s.personality.keepInterval = first(v)
  },
  tcp_keepalive_probes: (s, v) => {
    s.personality.keepCount = first(v)
  },
  tcp_notsent_lowat: (s, v) => {
    s.personality.notSentLowat = first(v)
  },
  tcp_rto_max_ms: (s, v) => {
    s.tcp.maxRtoMs = first(v)
  },
  tcp_invalid_ratelimit: only('tcp_invalid_ratelimit', 500),
  tcp_challenge_ack_limit: (s, v) => {
    s.tcp.challengeAcksPerSecond = Math.min(first(v), 1_000_000)
  },
  tcp_slow_start_after_idle: (s, v) => {
    s.tcp.restartAfterIdle = isOn(v)
  },
  tcp_dsack: (s, v) => {
    s.tcp.dsack = isOn(v)
  },
  tcp_mtu_probing: (s, v) => {
    s.tcp.mtuProbing = (['off', 'black-hole', 'always'] as const)[first(v)]
  },
  tcp_early_retrans: only('tcp_early_retrans', 3, 4),
  tcp_recovery: only('tcp_recovery', 1),
  tcp_fastopen: (_, v) => {
    const withoutCookie = first(v) & 0x204
    if (withoutCookie !== 0)
      throw new Unsupported(`sysctl tcp_fastopen=${v.trim()} (fast open without cookies) is not modelled`)
  },
  tcp_fastopen_key: harmless,
  tcp_fastopen_blackhole_timeout_sec: harmless,
  tcp_tw_reuse: harmless,
  tcp_tw_reuse_delay: harmless,
  tcp_syncookies: only('tcp_syncookies', 0, 1),
  tcp_shrink_window: only('tcp_shrink_window', 0),
  tcp_synack_retries: harmless,
  tcp_retries1: harmless,
  tcp_retries2: harmless,
  tcp_frto: harmless,
  tcp_fack: harmless,
  tcp_reordering: only('tcp_reordering', 3),
  tcp_max_reordering: harmless,
  tcp_tso_win_divisor: harmless,
  tcp_min_tso_segs: (s, v) => {
    s.tcp.burstSegments = Math.max(1, first(v))
  },
  tcp_pacing_ss_ratio: harmless,
  tcp_pacing_ca_ratio: harmless,
  tcp_no_metrics_save: harmless,
  tcp_moderate_rcvbuf: harmless,
  tcp_adv_win_scale: harmless,
  tcp_app_win: harmless,
  tcp_limit_output_bytes: harmless,
  tcp_autocorking: harmless,
  tcp_ecn_fallback: harmless,
  tcp_low_latency: harmless,
  tcp_base_mss: harmless,
  tcp_abort_on_overflow: only('tcp_abort_on_overflow', 0),
  tcp_default_init_rwnd: harmless,
  tcp_workaround_signed_windows: harmless,
  tcp_backlog_ack_defer: harmless,
  ip_no_pmtu_disc: only('ip_no_pmtu_disc', 0),
  optmem_max: harmless,
  rmem_max: (s, v) => {
    s.personality.receiveBufferMax = first(v)
  },
  wmem_max: (s, v) => {
    s.personality.sendBufferMax = first(v)
  },
  default_qdisc: harmless,
  somaxconn: (s, v) => {
    s.personality.backlogMax = first(v)
  },
}

const seconds = (value: string): number => Math.round(first(value) / 1000)

const FREEBSD: Readonly<Record<string, Setter>> = {
  'net.inet.tcp.rfc1323': (s, v) => {
    s.tcp.timestamps = first(v) === 1 || first(v) === 3
    s.tcp.windowScale = first(v) === 1 || first(v) === 2
  },
  'net.inet.tcp.sack.enable': (s, v) => {
    s.tcp.sack = isOn(v)
  },
  'net.inet.tcp.ecn.enable': (s, v) => {
    const mode = (['off', 'request', 'accept'] as const)[first(v)]
    if (mode === undefined)
      throw new Unsupported(`sysctl net.inet.tcp.ecn.enable=${v.trim()} (Accurate ECN) is not modelled`)
    s.tcp.ecn = mode
  },
  'net.inet.tcp.recvspace': (s, v) => {
    s.personality.receiveBuffer = first(v)
    s.tcp.receiveBufferBytes = first(v) === 65_536 ? BSD_BUFFER : first(v)
  },
  'net.inet.tcp.sendspace': (s, v) => {
    s.personality.sendBuffer = s.personality.sendBytes = first(v)
    s.tcp.sendBufferBytes = first(v)
  },
  // What a buffer may hold of data, of the memory that it may take.
  'kern.ipc.maxsockbuf': (s, v) => {
    s.personality.receiveBufferMax = s.personality.sendBufferMax = first(v)
    s.tcp.receiveBufferMaxBytes = Math.max(65_536, 2 * first(v) - 1)
  },
  'net.inet.tcp.keepidle': (s, v) => {
    s.personality.keepIdle = seconds(v)
  },
  'net.inet.tcp.keepintvl': (s, v) => {
    s.personality.keepInterval = seconds(v)
  },
  'net.inet.tcp.keepcnt': (s, v) => {
    s.personality.keepCount = first(v)
  },
  'net.inet.tcp.keepinit': (s, v) => {
    s.personality.keepInit = seconds(v)
  },
  'net.inet.tcp.msl': (s, v) => {
    s.tcp.mslMs = first(v)
  },
  'net.inet.tcp.delacktime': (s, v) => {
    s.tcp.delayedAckMs = Math.min(first(v), 499)
  },
  'net.inet.tcp.rexmit_min': (s, v) => {
    s.tcp.minRtoMs = Math.max(1, first(v))
  },
  'net.inet.tcp.rexmit_initial': (s, v) => {
    s.tcp.initialRtoMs = first(v)
  },
  'net.inet.tcp.finwait2_timeout': (s, v) => {
    s.tcp.finWait2Ms = first(v)
  },
  'net.inet.tcp.initcwnd_segments': (s, v) => {
    s.tcp.initialWindowSegments = first(v)
  },
  'net.inet.tcp.cc.algorithm': (s, v) => {
    const name = v.trim()
    if (name !== 'cubic' && name !== 'newreno') throw new Unsupported(`congestion control ${name} is not modelled`)
    s.tcp.congestion = name
  },
  'net.inet.tcp.blackhole': (s, v) => {
    s.tcp.resetUnknown = !isOn(v)
  },
  'net.inet.tcp.rexmit_slop': harmless,
  'net.inet.tcp.rexmit_drop_options': only('net.inet.tcp.rexmit_drop_options', 0),
  'net.inet.tcp.hostcache.purgenow': harmless,
  'net.inet.tcp.hostcache.purge': harmless,
  'net.inet.tcp.hostcache.enable': harmless,
  'net.inet.tcp.insecure_rst': only('net.inet.tcp.insecure_rst', 0),
  'net.inet.tcp.insecure_syn': only('net.inet.tcp.insecure_syn', 0),
  'net.inet.tcp.insecure_ack': only('net.inet.tcp.insecure_ack', 0),
  'net.inet.tcp.drop_synfin': only('net.inet.tcp.drop_synfin', 0),
  'net.inet.tcp.always_keepalive': harmless,
  'net.inet.tcp.log_in_vain': harmless,
  'net.inet.tcp.log_debug': harmless,
  'net.inet.tcp.ack_war_cnt': harmless,
  'net.inet.tcp.ack_war_timewindow': harmless,
  'net.inet.tcp.delayed_ack': (s, v) => {
    if (!isOn(v)) s.tcp.delayedAckMs = 0
  },
  'net.inet.tcp.icmp_may_rst': only('net.inet.tcp.icmp_may_rst', 1),
  'net.inet.tcp.path_mtu_discovery': only('net.inet.tcp.path_mtu_discovery', 1),
  'net.inet.tcp.pmtud_blackhole_detection': harmless,
  'net.inet.tcp.tso': harmless,
  'net.inet.tcp.abc_l_var': harmless,
  'net.inet.tcp.rfc3390': harmless,
  'net.inet.tcp.rfc3465': harmless,
  'net.inet.tcp.rfc3042': harmless,
  'net.inet.tcp.rfc6675_pipe': harmless,
  'net.inet.tcp.do_prr': harmless,
  'net.inet.tcp.do_lrd': harmless,
  'net.inet.tcp.syncookies': harmless,
  'net.inet.tcp.syncookies_only': only('net.inet.tcp.syncookies_only', 0),
  'net.inet.tcp.syncache.rexmtlimit': harmless,
  'net.inet.tcp.syncache.rst_on_sock_fail': harmless,
  'net.inet.tcp.tolerate_missing_ts': (s, v) => {
    s.tcp.tolerateMissingTimestamps = isOn(v)
  },
  'net.inet.tcp.ts_offset_per_conn': harmless,
  'net.inet.tcp.nolocaltimewait': harmless,
  'net.inet.tcp.fast_finwait2_recycle': only('net.inet.tcp.fast_finwait2_recycle', 0),
  'net.inet.tcp.reass.maxqueuelen': (s, v) => {
    s.tcp.reassemblyRanges = Math.max(1, first(v))
  },
  'net.inet.tcp.functions_default': only('net.inet.tcp.functions_default'),
}

/** Turns one knob. `name` may be a path below /proc/sys. Throws Unsupported for a knob that this host does not have. */
export function setSysctl(settings: Settings, name: string, value: string): void {
  const plain = name.replace(/^\/proc\/sys\//, '').replaceAll('/', '.')
  const text = value.replaceAll(/^["']|["']$/g, '')
  const setter =
    plain.startsWith('net.inet') || plain.startsWith('kern.') ? FREEBSD[plain] : LINUX[plain.split('.').at(-1)!]
  if (setter === undefined) throw new Unsupported(`sysctl ${plain} is not modelled`)
  setter(settings, text)
}
