'use strict'

// Turns verdicts into commands, options of the doctor and positions.

const { execFile } = require('node:child_process')
const { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } = require('node:fs')
const { basename, join, relative } = require('node:path')
const { promisify } = require('node:util')

/** @typedef {import('../verdicts').Verdict} Verdict */
/** @typedef {import('../verdicts').ExpectedFinding} ExpectedFinding */

const examples = join(__dirname, '..')
const root = join(examples, '..', '..')
const MARK = /\/\/ guilty$/
/** A compiler of the file system's TypeScript, not of types: errors are for `npm test`. */
const TSC = ['--module', 'node16', '--target', 'es2022', '--sourceMap', '--noCheck', '--types', 'node']

/** @param {Verdict} verdict */
function sourceOf(verdict) {
  return join(examples, 'servers', verdict.file)
}

/**
 * Returns the numbers of the marked lines of a file, from 1.
 * @param {string} path
 */
function marks(path) {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((text, index) => (MARK.test(text) ? [{ line: index + 1, text }] : []))
}

/**
 * Returns the guilty line of a finding, or undefined if the verdict names none.
 * @param {Verdict} verdict
 * @param {ExpectedFinding} finding
 */
function guiltyLine(verdict, { line, file }) {
  if (line === undefined) return undefined
  const path = file === undefined ? sourceOf(verdict) : join(examples, file)
  const found = marks(path).filter(({ text }) => text.includes(line))
  if (found.length !== 1) throw new Error(`${found.length} lines of ${path} are marked and contain "${line}"`)
  return { file: path, line: found[0].line }
}

/**
 * Returns why this Node.js cannot run a server, or undefined.
 * @param {Verdict} verdict
 */
function obstacle({ node, needs }) {
  if (node !== undefined && Number.parseInt(process.versions.node, 10) < node) return `needs Node.js ${node}`
  return needs === undefined || isInstalled(needs) ? undefined : `needs the package ${needs}`
}

/** @param {string} name */
function isInstalled(name) {
  try {
    require.resolve(name, { paths: [examples] })
    return true
  } catch (error) {
    // The package exists and exports no CommonJS.
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ERR_PACKAGE_PATH_NOT_EXPORTED'
  }
}

/**
 * Options of `offloop doctor` for a verdict, without `--` and the command.
 * @param {Verdict} verdict
 */
function optionsOf({ load }) {
  if ('for' in load) return ['--for', String(load.for)]
  const seconds = String(load.seconds ?? 5)
  if ('script' in load) {
    const script = relative(process.cwd(), join(examples, load.script))
    return ['--on-listen', `"${process.execPath}" "${script}"`, '-d', seconds]
  }
  const body = load.body === undefined ? '' : ` @${join(examples, load.body)}`
  const shots = load.paths.flatMap(path => ['--load', `${load.method ?? 'GET'} ${path}${body}`])
  return [...shots, '-c', String(load.connections), '-d', seconds]
}

/** Compiles servers into a folder in `target/`, which resolves the same packages. */
class Builds {
  #directory = ''
  /** Compiled files by source. @type {Map<string, Promise<string>>} */
  #outputs = new Map()

  /**
   * Returns the arguments of `node` that run a server.
   * @param {Verdict} verdict
   * @returns {Promise<string[]>}
   */
  async commandOf(verdict) {
    const source = sourceOf(verdict)
    if (verdict.compiler === 'tsx') return ['--import', 'tsx', source]
    return [verdict.compiler === undefined ? source : await this.#outputOf(verdict.compiler, source)]
  }

  /**
   * @param {'tsc' | 'esbuild'} compiler
   * @param {string} source
   */
  #outputOf(compiler, source) {
    const output = this.#outputs.get(source) ?? this.#compile(compiler, source)
    this.#outputs.set(source, output)
    return output
  }

  close() {
    if (this.#directory !== '') rmSync(this.#directory, { recursive: true, force: true })
  }

  /**
   * @param {'tsc' | 'esbuild'} compiler
   * @param {string} source
   */
  async #compile(compiler, source) {
    const directory = this.#open()
    const output = join(directory, basename(source).replace(/\.ts$/, '.js'))
    if (compiler === 'esbuild') await bundle(source, output)
    else {
      const tsc = require.resolve('typescript/lib/tsc.js')
      await promisify(execFile)(process.execPath, [tsc, source, ...TSC, '--outDir', directory], { cwd: root })
    }
    return output
  }

  #open() {
    if (this.#directory !== '') return this.#directory
    const parent = join(root, 'target', 'doctor')
    mkdirSync(parent, { recursive: true })
    this.#directory = mkdtempSync(join(parent, 'servers-'))
    cpSync(join(examples, 'node_modules'), join(this.#directory, 'node_modules'), { recursive: true })
    return this.#directory
  }
}

/**
 * @param {string} source
 * @param {string} output
 */
function bundle(source, output) {
  return require('esbuild').build({
    entryPoints: [source],
    outfile: output,
    bundle: true,
    platform: 'node',
    packages: 'external',
    sourcemap: true
  })
}

module.exports = { Builds, guiltyLine, marks, obstacle, optionsOf, root, sourceOf }
