import { commitUntilKilled } from '@fata/kv/crash'
import { openDir } from '@fata/kv-dir'

const [path = '', from = '1'] = process.argv.slice(2)
await commitUntilKilled(await openDir(path), Number(from), (message) => process.send?.(message))
