import { freebsd, linux, type Personality } from '@fata/posix'
import type { TcpOptions } from '@fata/tcp'

export type Profile = 'linux' | 'freebsd'

/** What the knobs of a system decide, as options of the stack and answers of its sockets. */
export interface Settings {
  readonly profile: Profile
  readonly personality: Personality
  readonly tcp: { -readonly [K in keyof TcpOptions]: TcpOptions[K] }
}

/** A fresh system. */
export function settingsFor(profile: Profile): Settings {
  if (profile === 'freebsd')
    return {
      profile,
      personality: freebsd(),
      tcp: { receiveBufferBytes: 65_536, receiveBufferMaxBytes: 65_535 << 6, minRtoMs: 230, ...BSD_TIMES },
    }
  return {
    profile,
    personality: linux(),
    tcp: { receiveBufferBytes: 65_536, receiveBufferMaxBytes: 6_291_456, tolerateMissingTimestamps: true },
  }
}

const BSD_TIMES = { delayedAckMs: 40 }
