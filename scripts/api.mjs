// Writes or checks packages/*/etc/*.api.md: the public API of every entry as text, so that a review sees each change of it.
// Usage: node scripts/api.mjs [--check] [NAME ...]   (after npm run build)
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor'
import { packages } from './packages.mjs'

const args = process.argv.slice(2)
const check = args.includes('--check')
const only = args.filter((arg) => !arg.startsWith('--'))
const wanted = only.length === 0 ? packages() : packages().filter((p) => only.includes(p.name))
let failed = false

function entries(manifest) {
  return Object.keys(manifest.exports)
    .filter((path) => path === '.' || /^\.\/[\w-]+$/.test(path))
    .map((path) => (path === '.' ? 'index' : path.slice(2)))
}

function report(name, dir, entry) {
  const file = entry === 'index' ? name : `${name}.${entry}`
  mkdirSync(join(dir, 'etc'), { recursive: true })
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(dir, 'package.json'),
    configObject: {
      projectFolder: dir,
      mainEntryPointFilePath: join(dir, 'dist', `${entry}.d.ts`),
      compiler: { tsconfigFilePath: join(dir, 'tsconfig.json') },
      apiReport: {
        enabled: true,
        reportFileName: `${file}.api.md`,
        reportFolder: join(dir, 'etc'),
        reportTempFolder: join(dir, 'build', 'api'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: 'none' } },
        extractorMessageReporting: { default: { logLevel: 'none' } },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  })
  const shown = `packages/${name}/etc/${file}.api.md`
  if (check && !existsSync(join(dir, 'etc', `${file}.api.md`))) return `${shown} is missing`
  const result = Extractor.invoke(config, {
    localBuild: !check,
    messageCallback: (message) => (message.handled = true),
  })
  if (check && result.apiReportChanged) return `${shown} differs from the API`
  if (!check && result.apiReportChanged) console.log(`${shown} written`)
  return undefined
}

for (const { name, dir, manifest } of wanted) {
  for (const entry of entries(manifest)) {
    const problem = report(name, dir, entry)
    if (problem !== undefined) {
      console.error(`${problem}: run "npm run api" and look at the difference`)
      failed = true
    }
  }
}
console.log(failed ? 'api: reports are out of date' : `api: ${wanted.length} packages, every report is true`)
process.exitCode = failed ? 1 : 0
