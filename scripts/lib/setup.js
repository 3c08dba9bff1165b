'use strict'

// What every other command needs first: the packages of the lock file, and an addon built from these sources.

const { createHash } = require('node:crypto')
const { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } = require('node:fs')
const { dirname, join, relative } = require('node:path')
const { platform } = require('../../lib/native/platform.js')
const { npm, root, run, say, start, tool } = require('./process.js')

const SOURCES = ['src', 'build.rs', 'Cargo.toml', 'Cargo.lock', 'package.json']
const BINDING = ['lib/native/binding.js', 'lib/native/binding.d.ts']
/** What comes with the addon wherever it goes. */
const LICENCES = ['LICENSE', 'THIRD-PARTY-NOTICES']
const STAMP = join(root, 'target', 'addon.stamp')

/** Leaves node_modules and the addon fit for use, doing only what is missing. */
async function setup() {
  await install(root)
  if (!(await isBuilt())) await build()
  place()
}

/** Copies the addon into the package that holds it for others, unless it is there. */
function place() {
  const name = `offloop.${platform()}.node`
  const [built, placed] = [join(root, 'lib', 'native', name), join(root, 'npm', platform(), name)]
  if (!existsSync(built) || !existsSync(dirname(placed))) return
  const is = existsSync(placed) && readFileSync(placed).equals(readFileSync(built))
  if (!is) copyFileSync(built, placed)
  for (const file of LICENCES) copyFileSync(join(root, file), join(dirname(placed), file))
}

/**
 * Installs what package-lock.json says, unless it is there.
 * @param {string} folder
 */
async function install(folder) {
  const { fits, why } = installed(folder)
  if (fits) return
  say(`installing packages: ${why}`)
  const { code, output } = await npm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder })
  if (code !== 0) throw new Error(`\`npm ci\` failed in ${folder}:\n${output}`)
}

/**
 * Whether node_modules holds every package of the lock file, in its version. Optional ones depend on the platform.
 * @param {string} folder
 * @returns {{ fits: boolean, why: string }}
 */
function installed(folder) {
  const present = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(present)) return { fits: false, why: 'node_modules is not there' }
  const wanted = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages
  const found = JSON.parse(readFileSync(present, 'utf8')).packages
  for (const [path, { version, optional, peer }] of Object.entries(wanted)) {
    if (path === '' || optional || peer) continue
    if (found[path]?.version !== version) return { fits: false, why: `${path} is not ${version}` }
    if (!existsSync(join(folder, path))) return { fits: false, why: `${path} is gone` }
  }
  return { fits: true, why: '' }
}

/** Builds the addon into lib/native/ and regenerates its binding. */
async function build() {
  const compiler = await requireRust()
  say('building the addon; the first time takes a minute or two')
  // napi keeps the types it found in an earlier build; those of a deleted function must not live on.
  const flags = ['--platform', '--release', '--strip', '--output-dir', 'lib/native', '--no-dts-cache']
  const names = ['--js', 'binding.js', '--dts', 'binding.d.ts']
  const cargo = process.env.CI ? ['--', '--locked'] : []
  const args = [tool('@napi-rs/cli', 'napi'), 'build', ...flags, ...names, ...cargo]
  const { code, output } = await run(process.execPath, args)
  if (code !== 0) throw new Error(`The addon could not be built:\n${output}`)
  if (addons().length === 0) throw new Error(`napi build left no lib/native/offloop.*.node:\n${output}`)
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, fingerprint(compiler))
}

/** Whether the addon in lib/native/ was made of the sources as they are now, by this compiler. Contents count, not dates. */
async function isBuilt() {
  if (addons().length === 0 || !existsSync(STAMP)) return false
  const stamp = readFileSync(STAMP, 'utf8')
  const { code, stdout } = await run('rustc', ['--version'])
  // Without a compiler there is nothing to rebuild with: the sources alone decide.
  return stamp === fingerprint(code === 0 ? stdout.trim() : stamp.split('\n')[0])
}

function addons() {
  const folder = join(root, 'lib', 'native')
  return existsSync(folder) ? readdirSync(folder).filter(name => /^offloop\..*\.node$/.test(name)) : []
}

/** @param {string} compiler */
function fingerprint(compiler) {
  const addon = addons().map(name => `lib/native/${name}`)
  const hash = createHash('sha256')
  for (const file of [...SOURCES.flatMap(filesUnder), ...BINDING, ...addon]) {
    const path = join(root, file)
    hash
      .update(`${file}\0`)
      .update(existsSync(path) ? readFileSync(path) : 'missing')
      .update('\0')
  }
  return `${compiler}\n${hash.digest('hex')}\n`
}

/**
 * @param {string} path from the root
 * @returns {string[]}
 */
function filesUnder(path) {
  const full = join(root, path)
  if (!existsSync(full)) return []
  if (statSync(full).isFile()) return [path]
  const entries = readdirSync(full, { withFileTypes: true, recursive: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}

/** The compiler's version, or an error that says what to do about its absence. */
async function requireRust() {
  const cargo = await run('cargo', ['--version'])
  const rustc = await run('rustc', ['--version'])
  const missing = [cargo.code && 'cargo', rustc.code && 'rustc'].filter(Boolean)
  if (missing.length === 0) return rustc.stdout.trim()
  throw new Error(
    `The addon has to be built, and ${missing.join(' and ')} did not start.\n` +
      `Looked for in PATH: ${process.env.PATH}\n` +
      `${cargo.code ? cargo.output : rustc.output}` +
      'Install Rust 1.88 or newer (https://rustup.rs), open a new shell, and run this command again.'
  )
}

module.exports = { setup, install, installed, build, place }

if (require.main === module) start(setup)
