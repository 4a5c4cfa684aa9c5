export { compactTarFile } from './file/compact.ts'
export { fileSource } from './file/node-file.ts'
export { openTarFile, openTarFileReadOnly, type TarFileOptions } from './file/open.ts'
