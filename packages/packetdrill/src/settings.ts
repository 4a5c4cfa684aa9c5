import { freebsd, linux, type Personality } from '@fata/posix'
import type { TcpOptions } from '@fata/tcp'

export type Profile = 'linux' | 'freebsd'

/** What the knobs of a system decide, as options of the stack and answers of its sockets. */
export interface Settings {
  readonly profile: Profile
  readonly personality: Personality
  readonly tcp: { -readonly [K in keyof TcpOptions]: TcpOptions[K] }
}

/** What 64 KiB become when they are rounded up to segments of 1460 bytes. */
export const BSD_BUFFER = 65_700

/** A fresh system. */
export function settingsFor(profile: Profile): Settings {
  if (profile === 'freebsd')
    return {
      profile,
      personality: freebsd(),
      tcp: {
        receiveBufferBytes: BSD_BUFFER,
        receiveBufferMaxBytes: 65_535 << 6,
        minRtoMs: 230,
        manner: 'bsd',
        dsack: false,
      },
    }
  return {
    profile,
    personality: linux(),
    tcp: {
      receiveBufferBytes: 65_536,
      receiveBufferMaxBytes: 15_728_640,
      tolerateMissingTimestamps: true,
      burstSegments: 2,
      rtoGranularityMs: 200,
      mtuProbing: 'off',
    },
  }
}
