'use strict'

// Error messages and npm's install script if the addon is missing or does not load.

const assert = require('node:assert/strict')
const { chmodSync, existsSync, readFileSync, writeFileSync } = require('node:fs')
const { delimiter, join } = require('node:path')
const { after, before, test } = require('node:test')
const { platform } = require('../../lib/native/platform')
const { npm } = require('../../scripts/lib/process')
const { CLEAN_ENV, installPackage, node, project, remove, write } = require('../support/installed-package')

const ADDON = `offloop-${platform()}`
const FILE = `offloop.${platform()}.node`
const MISSING = new RegExp(
  `no addon of offloop that this Node.js ${process.version.replaceAll('.', '\\.')} on ${platform()} can load\\. ` +
    `Neither the package ${ADDON} nor lib/native/${FILE} is there: .*--omit=optional.*\`npm rebuild offloop\``
)
const CORRUPT = new RegExp(
  `The package ${ADDON} is there, but its 10 bytes are not a shared library \\(.*\\.node: .*\\)\\. ` +
    'Install offloop again on this machine, or build it: `npm rebuild offloop`'
)

/** @type {string} */
let folder
before(async () => {
  folder = await installPackage()
})
after(() => remove(folder))

/** Makes a project without an addon. @param {string} name */
function without(name) {
  const path = project(folder, name, {})
  remove(join(path, 'node_modules', ADDON))
  return path
}

/** Makes a project with an invalid addon. @param {string} name */
function corrupt(name) {
  const path = project(folder, name, {})
  writeFileSync(join(path, 'node_modules', ADDON, FILE), 'no library')
  return path
}

for (const [name, make, message, causeCode] of /** @type {const} */ ([
  ['no addon', without, MISSING, 'MODULE_NOT_FOUND'],
  ['a corrupt addon', corrupt, CORRUPT, 'ERR_DLOPEN_FAILED']
])) {
  test(`${name}: the error names the missing files and the fix`, async () => {
    const script =
      "try { require('offloop') } catch ({ code, message, cause }) { console.log(code, cause.code, message) }"
    const { stdout, output } = await node(make(`error of ${name}`), ['-e', script])
    assert.ok(stdout.startsWith(`ERR_OFFLOOP_UNSUPPORTED ${causeCode} `), output)
    assert.match(stdout, message)
  })

  test(`${name}: npm install prints the reason, and does not fail or build`, async () => {
    const path = make(`install with ${name}`)
    const calls = fakeCargo(path)
    const { code, output } = await install(path, { npm_command: 'install' })
    assert.equal(code, 0, output)
    assert.match(output, message)
    assert.equal(calls(), '')
  })
}

test('does nothing with a working addon', async () => {
  const path = project(folder, 'install', {})
  const calls = fakeCargo(path)
  for (const npm_command of ['install', 'rebuild']) {
    const { code, output } = await install(path, { npm_command })
    assert.deepEqual([code, output, calls()], [0, '', ''])
  }
})

test('npm rebuild builds with cargo and loads the result', async () => {
  const path = without('rebuild')
  // The prebuilt library that the fake cargo copies.
  const addon = join(folder, 'installed/node_modules', ADDON, FILE)
  const calls = fakeCargo(
    path,
    `mkdir -p "$CARGO_TARGET_DIR/release" && cp '${addon}' "$CARGO_TARGET_DIR/release/liboffloop.so"`
  )
  const env = { ...CLEAN_ENV, PATH: pathOf(path), CARGO_TARGET_DIR: join(path, 'target') }
  const args = ['rebuild', 'offloop', '--prefix', path, '--foreground-scripts']
  const { code, output } = await npm(args, { cwd: path, env, timeout: 60_000 })
  assert.equal(code, 0, output)
  assert.equal(calls(), `${join(path, 'node_modules/offloop')}: build --release --locked --lib\n`)
  assert.ok(existsSync(join(path, 'node_modules/offloop/lib/native', FILE)))
  const { stdout } = await node(path, ['-p', "require('offloop').pool.threads > 0"])
  assert.equal(stdout, 'true\n')
})

for (const [name, script, message] of /** @type {const} */ ([
  ['fails', 'exit 3', /cargo could not build the addon/],
  ['leaves nothing', 'exit 0', /cargo left none of liboffloop\.so, /]
])) {
  test(`npm rebuild fails if cargo ${name}`, async () => {
    const path = without(`cargo ${name}`)
    fakeCargo(path, script)
    const { code, output } = await install(path, { npm_command: 'rebuild', CARGO_TARGET_DIR: join(path, 'target') })
    assert.equal(code, 1)
    assert.match(output, message)
  })
}

test('npm rebuild without cargo fails with instructions to install Rust', async () => {
  const path = without('no cargo')
  write(path, { 'empty/nothing': '' })
  const { code, output } = await install(path, { npm_command: 'rebuild', PATH: join(path, 'empty') })
  assert.equal(code, 1)
  assert.match(output, /cargo does not start .*Install Rust 1\.88 or newer \(https:\/\/rustup\.rs\)/)
})

/** Runs the install script like npm. */
function install(/** @type {string} */ path, /** @type {NodeJS.ProcessEnv} */ env) {
  const cwd = join(path, 'node_modules/offloop')
  return node(cwd, ['lib/native/install.js'], { PATH: pathOf(path), npm_config_build_from_source: undefined, ...env })
}

/** @param {string} path */
function pathOf(path) {
  return join(path, 'bin') + delimiter + process.env.PATH
}

/**
 * Puts a fake cargo first in the PATH.
 * @param {string} path
 * @param {string} [script] commands to run after the call is logged
 * @returns {() => string} returns the logged calls: working directory and arguments
 */
function fakeCargo(path, script = '') {
  const log = join(path, 'calls')
  write(path, { 'bin/cargo': `#!/bin/sh\necho "$PWD: $*" >>'${log}'\n${script}\n`, calls: '' })
  chmodSync(join(path, 'bin/cargo'), 0o755)
  return () => readFileSync(log, 'utf8')
}
