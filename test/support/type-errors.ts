import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const HOST: ts.FormatDiagnosticsHost = {
  getCanonicalFileName: (name) => basename(name),
  getCurrentDirectory: () => root,
  getNewLine: () => '\n',
}

/** What the compiler says of these files under the options of the repository; unused names are no error. */
export function typeErrorsOf(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const relaxed = { noUnusedLocals: false, noUnusedParameters: false, declaration: false, isolatedDeclarations: false }
  const raw = { ...config.compilerOptions, ...relaxed, types: ['node'] }
  const { options } = ts.convertCompilerOptionsFromJson(raw, root)
  const program = ts.createProgram(files, options)
  return files.flatMap((file) => {
    const source = program.getSourceFile(file)
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return found.map((diagnostic) => ts.formatDiagnostic(diagnostic, HOST).trim())
  })
}
