import { commitUntilKilled } from '@fata/kv/crash'
import { openTarFile } from '@fata/kv-tar/file'

const [path = '', from = '1'] = process.argv.slice(2)
await commitUntilKilled(await openTarFile(path, { create: true }), Number(from), (message) => process.send?.(message))
