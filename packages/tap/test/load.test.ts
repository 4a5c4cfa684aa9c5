import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadNative } from '../src/load.ts'
import { skipped } from './real.ts'

const elsewhere = skipped('finding binaries', process.platform === 'linux' ? undefined : 'this is no Linux')

describe('without a binary', () => {
  let root = ''
  beforeEach(() => {
    root = `${mkdtempSync(join(tmpdir(), 'fata-tap-'))}/`
  })
  afterEach(() => rmSync(root, { recursive: true }))

  it('importing works', async () => {
    expect(await import('../src/index.ts')).toHaveProperty('openTap')
  })

  it.skipIf(elsewhere)('opening says where the binary should be and how it is made', () => {
    expect(() => loadNative(root)).toThrow(
      expect.objectContaining({
        code: 'ERR_NET_UNSUPPORTED',
        message: expect.stringMatching(
          /is missing for linux-\w+-(glibc|musl): .*prebuilds\/linux-.*\/fata_tap\.node and .*build\/Release\/fata_tap\.node; .*scripts\/build-native\.mjs/,
        ),
      }),
    )
  })

  it.skipIf(elsewhere)('opening says why a binary cannot be loaded', () => {
    mkdirSync(join(root, 'build/Release'), { recursive: true })
    writeFileSync(join(root, 'build/Release/fata_tap.node'), 'of another machine')
    expect(() => loadNative(root)).toThrow(
      expect.objectContaining({
        code: 'ERR_NET_UNSUPPORTED',
        cause: expect.objectContaining({ code: 'ERR_DLOPEN_FAILED' }),
      }),
    )
  })

  it('opening on another platform names what works there', () => {
    expect(() => loadNative(root, 'darwin')).toThrow(
      expect.objectContaining({ code: 'ERR_NET_UNSUPPORTED', message: expect.stringContaining('fromTuntap2') }),
    )
  })
})
