// What npm would publish: publint's verdict and the packed size of every package.
// Usage: node scripts/check-packages.mjs   (after npm run build)
import { execFileSync } from 'node:child_process'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { packages } from './packages.mjs'

let failed = false

for (const { name, dir, manifest } of packages()) {
  const { messages } = await publint({ pkgDir: dir, strict: true, pack: 'npm' })
  for (const message of messages) {
    console.error(`${name}: ${message.type}: ${formatMessage(message, manifest)}`)
    if (message.type !== 'suggestion') failed = true
  }
  if (manifest.scripts?.install || manifest.scripts?.postinstall || manifest.scripts?.preinstall) {
    console.error(`${name}: error: a published package runs no install script`)
    failed = true
  }
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`.padStart(11)
console.log(`${'package'.padEnd(20)}${'packed'.padStart(11)}${'unpacked'.padStart(11)}  files`)
for (const { manifest, dir } of packages()) {
  const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: dir,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [packed] = Object.values(JSON.parse(output))
  console.log(`${manifest.name.padEnd(20)}${kib(packed.size)}${kib(packed.unpackedSize)}  ${packed.entryCount}`)
}
process.exitCode = failed ? 1 : 0
