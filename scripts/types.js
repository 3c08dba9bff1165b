'use strict'

// npm run test:types    the types of the package under each supported TypeScript and each @types/node

const { copyFileSync, mkdirSync, readFileSync, writeFileSync, rmSync } = require('node:fs')
const { basename, join } = require('node:path')
const { npm, root, run, start } = require('./lib/process.js')

const TYPESCRIPTS = ['5.6', '5.9', '7']
const NODES = ['20', '22', '24', '26']
const LIBRARIES = ['es2022', 'esnext.disposable']
/** `fetch` and its kin are those of the DOM, or those that @types/node declares without it. */
const SETTINGS = [
  { module: 'node16', moduleResolution: 'node16', lib: LIBRARIES },
  { module: 'nodenext', moduleResolution: 'nodenext', lib: [...LIBRARIES, 'dom'] },
  { module: 'esnext', moduleResolution: 'bundler', lib: [...LIBRARIES, 'dom'] }
]
const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  target: 'es2022',
  types: ['node']
}
const FACES = ['package.json', 'index.d.ts', 'prometheus.d.ts']
const TIMEOUT = 120_000

start(async () => {
  const folder = join(root, 'target', 'types')
  rmSync(folder, { recursive: true, force: true })
  let code = 0
  for (const node of NODES) {
    const project = join(folder, `node${node}`)
    await install(project, [`@types/node@${node}`])
    addPackage(project)
    for (const typescript of TYPESCRIPTS) {
      const compiler = join(folder, `typescript${typescript}`)
      if (node === NODES[0]) await install(compiler, [`typescript@${typescript}`])
      for (const settings of SETTINGS) {
        const output = await compile(compiler, project, { ...STRICT, ...settings })
        const name = `TypeScript ${typescript}, @types/node ${node}, ${settings.moduleResolution}`
        console.log(`${output === undefined ? 'passed' : 'FAILED'}  ${name}`)
        if (output !== undefined) {
          console.error(output)
          code = 1
        }
      }
    }
  }
  return code
})

/**
 * @param {string} folder
 * @param {string[]} packages
 */
async function install(folder, packages) {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
  const { code, output } = await npm(['install', '--prefix', folder, ...quiet, ...packages], { cwd: folder })
  if (code !== 0) throw new Error(`${packages} could not be installed:\n${output}`)
}

/** Adds the declarations of the package and its consumer, as ESM and as CommonJS. @param {string} project */
function addPackage(project) {
  const target = join(project, 'node_modules', 'offloop')
  mkdirSync(target, { recursive: true })
  for (const face of FACES) copyFileSync(join(root, face), join(target, basename(face)))
  const consumer = readFileSync(join(root, 'scripts', 'matrix', 'consumer.ts'))
  for (const name of ['consumer.mts', 'consumer.cts']) writeFileSync(join(project, name), consumer)
}

/**
 * Compiles the consumer. Returns what the compiler printed if it failed.
 * @param {string} compiler
 * @param {string} project
 * @param {Record<string, unknown>} compilerOptions
 */
async function compile(compiler, project, compilerOptions) {
  const files = compilerOptions.module === 'esnext' ? ['consumer.mts'] : ['consumer.mts', 'consumer.cts']
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const tsc = join(compiler, 'node_modules', 'typescript', 'bin', 'tsc')
  const { code, output } = await run(process.execPath, [tsc, '-p', project], { cwd: project, timeout: TIMEOUT })
  return code === 0 ? undefined : output
}
