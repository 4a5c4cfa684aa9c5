import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The command as users get it: built. `npm test` builds first. */
export const FATA = new URL('../../packages/cli/dist/bin.js', import.meta.url).pathname

/** A folder of the test's own, and the function that removes it. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'fata-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
