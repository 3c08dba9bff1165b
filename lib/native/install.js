'use strict'

// npm runs this when the package is installed or rebuilt. Mostly there is nothing to do: the addon came in a package of its
// own. Building takes minutes and a compiler, so it has to be asked for: `npm rebuild offloop`.

const { spawnSync } = require('node:child_process')
const { copyFileSync, existsSync, renameSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('./platform')

const root = join(__dirname, '..', '..')
const LIBRARIES = ['liboffloop.so', 'liboffloop.dylib', 'offloop.dll']

function main() {
  const reason = loadFailure()
  if (reason === undefined) return 0
  const { npm_command: command, npm_config_build_from_source: fromSource } = process.env
  if (command === 'rebuild' || fromSource) return build()
  console.error(reason)
  return 0
}

function loadFailure() {
  const { status, stderr } = spawnSync(process.execPath, [join(__dirname, 'index.js')], { encoding: 'utf8' })
  return status === 0 ? undefined : (/^Error: .*$/m.exec(stderr)?.[0] ?? stderr)
}

/** Builds the addon with cargo alone, and puts it where the loader looks first. */
function build() {
  console.error('offloop: building the addon from source, which takes some minutes')
  const args = ['build', '--release', '--locked', '--lib']
  const { error, status } = spawnSync('cargo', args, { cwd: root, stdio: 'inherit' })
  if (error !== undefined) {
    console.error(`offloop: cargo does not start (${error.message}). Install Rust 1.88 or newer (https://rustup.rs)`)
    return 1
  }
  if (status !== 0) {
    console.error('offloop: cargo could not build the addon; its own words are above')
    return 1
  }
  const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target')
  const library = LIBRARIES.map(name => join(target, 'release', name)).find(existsSync)
  if (library === undefined) {
    console.error(`offloop: cargo left none of ${LIBRARIES.join(', ')} in ${join(target, 'release')}`)
    return 1
  }
  const addon = join(__dirname, `offloop.${platform()}.node`)
  // What is loaded somewhere must not be written to.
  copyFileSync(library, `${addon}.new`)
  renameSync(`${addon}.new`, addon)
  return 0
}

process.exitCode = main()
