'use strict'

// Builds the release addon, and the addon with faults for tests.

const { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { platform } = require('../../lib/native/platform.js')
const { resultOf, root, run, say, tool } = require('./process.js')
const { FAULT_ADDON, FAULT_STAMP, IS_FRESH, hashSources } = require('./sources.js')

const BINDING = 'lib/native/binding.d.ts'
/** Files that accompany the addon in its package. */
const LICENCES = ['LICENSE', 'THIRD-PARTY-NOTICES']
const STAMP = join(root, 'target', 'addon.stamp')
/** Arguments that make cargo reject a stale Cargo.lock. */
const LOCKED = process.env.CI ? ['--locked'] : []
const TIMEOUT = 480_000

/** Builds the addon into lib/native/ and generates its types. */
async function buildAddon() {
  const compiler = await requireRust()
  say('building the addon (the first build can take a few minutes)')
  // The cache of napi would keep the types of deleted functions.
  const flags = [
    '--platform',
    '--release',
    '--strip',
    '--output-dir',
    'lib/native',
    '--no-js',
    '--dts',
    'binding.d.ts',
    '--no-dts-cache',
    '--no-const-enum'
  ]
  const args = [tool('@napi-rs/cli', 'napi'), 'build', ...flags, ...(process.env.CI ? ['--', ...LOCKED] : [])]
  const { code, output } = await run(process.execPath, args)
  if (code !== 0) throw new Error(`The addon could not be built:\n${output}`)
  if (addons().length === 0) throw new Error(`napi build left no lib/native/offloop.*.node:\n${output}`)
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, fingerprint(compiler))
}

/** True if this compiler built the addon in lib/native/ from the current sources. Compares contents, not dates. */
async function isBuilt() {
  if (addons().length === 0 || !existsSync(STAMP)) return false
  const stamp = readFileSync(STAMP, 'utf8')
  const { code, stdout } = await run('rustc', ['--version'])
  // Without a compiler a rebuild is impossible, so only the sources count.
  return stamp === fingerprint(code === 0 ? stdout.trim() : stamp.split('\n')[0])
}

function addons() {
  const folder = join(root, 'lib', 'native')
  return existsSync(folder) ? readdirSync(folder).filter(name => /^offloop\..*\.node$/.test(name)) : []
}

/** @param {string} compiler */
function fingerprint(compiler) {
  const addon = addons().map(name => `lib/native/${name}`)
  return `${compiler}\n${hashSources([BINDING, ...addon])}\n`
}

/** Returns the compiler's version. Throws instructions if Rust is not installed. */
async function requireRust() {
  const cargo = await run('cargo', ['--version'])
  const rustc = await run('rustc', ['--version'])
  const missing = [cargo.code && 'cargo', rustc.code && 'rustc'].filter(Boolean)
  if (missing.length === 0) return rustc.stdout.trim()
  throw new Error(
    `Cannot build the addon: ${missing.join(' and ')} did not start.\n` +
      `PATH: ${process.env.PATH}\n` +
      `${cargo.code ? cargo.output : rustc.output}` +
      'Install Rust 1.88 or newer (https://rustup.rs), open a new shell, and run this command again.'
  )
}

/** Copies the addon into the npm package of this platform, unless it is up to date. */
function placeAddon() {
  const name = `offloop.${platform()}.node`
  const [built, placed] = [join(root, 'lib', 'native', name), join(root, 'npm', platform(), name)]
  if (!existsSync(built) || !existsSync(dirname(placed))) return
  const isCurrent = existsSync(placed) && readFileSync(placed).equals(readFileSync(built))
  if (!isCurrent) copyFileSync(built, placed)
  for (const file of LICENCES) copyFileSync(join(root, file), join(dirname(placed), file))
}

/**
 * Builds the addon with the faults that tests inject into target/fault/offloop.node.
 * @returns {Promise<{ failure?: string }>}
 */
async function buildFaultAddon() {
  const hash = hashSources()
  const args = ['build', ...LOCKED, '--features', 'fault', '--lib', '--message-format', 'json-render-diagnostics']
  const outcome = await run('cargo', args, { timeout: TIMEOUT })
  if (outcome.code !== 0) return resultOf(outcome)
  const library = builtLibrary(outcome.stdout)
  if (library === undefined) return { failure: `cargo built no dynamic library.\n${outcome.output}` }
  mkdirSync(dirname(FAULT_ADDON), { recursive: true })
  copyFileSync(library, FAULT_ADDON)
  writeFileSync(FAULT_STAMP, hash)
  process.env[IS_FRESH] = '1'
  return {}
}

/**
 * Finds the path of the addon in cargo's messages.
 * @param {string} messages
 * @returns {string | undefined}
 */
function builtLibrary(messages) {
  const lines = messages.split('\n').filter(line => line.startsWith('{'))
  const files = lines
    .map(line => JSON.parse(line))
    .flatMap(({ reason, target, filenames }) => {
      return reason === 'compiler-artifact' && target.name === 'offloop' ? filenames : []
    })
  return files.find(file => /\.(so|dylib|dll)$/.test(file))
}

module.exports = { LOCKED, buildAddon, buildFaultAddon, builtLibrary, isBuilt, placeAddon }
