import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { MODES, modesOf, runScript } from '../src/index.ts'

// One folder for each topic, one script for each statement about it.
const folder = fileURLToPath(new URL('scripts', import.meta.url))

for (const topic of readdirSync(folder)) {
  describe(topic, () => {
    for (const name of readdirSync(join(folder, topic))) {
      const text = readFileSync(join(folder, topic, name), 'utf8')
      it.each(modesOf(text, MODES))(`${name} over %s`, async (mode) => {
        expect(await runScript(text, mode)).toEqual({ kind: 'pass' })
      })
    }
  })
}

it('there are enough of them', () => {
  const scripts = readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith('.pkt'))
  expect(scripts.length).toBeGreaterThanOrEqual(150)
})
