import { commitUnderFaults } from '@fata/kv/crash'
import { openDir } from '@fata/kv-dir'

const [path = ''] = process.argv.slice(2)
console.log(JSON.stringify(await commitUnderFaults(() => openDir(path, { create: true }))))
