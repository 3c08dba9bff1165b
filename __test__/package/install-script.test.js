'use strict'

// The package without an addon, or with one that does not load: what it says, and what npm's install script does.

const assert = require('node:assert/strict')
const { chmodSync, existsSync, readFileSync, writeFileSync } = require('node:fs')
const { delimiter, join } = require('node:path')
const { after, before, test } = require('node:test')
const { platform } = require('../../lib/native/platform')
const { npm } = require('../../scripts/lib/process')
const { CLEAN_ENV, installPackage, node, project, remove, write } = require('../support/installed-package')

const ADDON = `offloop-${platform()}`
const FILE = `offloop.${platform()}.node`
const NOT_THERE = new RegExp(
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

/** A project whose addon is gone. @param {string} name */
function without(name) {
  const path = project(folder, name, {})
  remove(join(path, 'node_modules', ADDON))
  return path
}

/** A project whose addon is no library. @param {string} name */
function corrupt(name) {
  const path = project(folder, name, {})
  writeFileSync(join(path, 'node_modules', ADDON, FILE), 'no library')
  return path
}

for (const [name, make, message, causeCode] of /** @type {const} */ ([
  ['no addon', without, NOT_THERE, 'MODULE_NOT_FOUND'],
  ['a corrupt addon', corrupt, CORRUPT, 'ERR_DLOPEN_FAILED']
])) {
  test(`${name}: the error says what was looked for and what to do`, async () => {
    const script =
      "try { require('offloop') } catch ({ code, message, cause }) { console.log(code, cause.code, message) }"
    const { stdout, output } = await node(make(`error of ${name}`), ['-e', script])
    assert.ok(stdout.startsWith(`ERR_OFFLOOP_UNSUPPORTED ${causeCode} `), output)
    assert.match(stdout, message)
  })

  test(`${name}: a plain install says why, and does not fail or build`, async () => {
    const path = make(`install with ${name}`)
    const calls = fakeCargo(path)
    const { code, output } = await install(path, { npm_command: 'install' })
    assert.equal(code, 0, output)
    assert.match(output, message)
    assert.equal(calls(), '')
  })
}

test('with an addon the script does nothing', async () => {
  const path = project(folder, 'install', {})
  const calls = fakeCargo(path)
  for (const npm_command of ['install', 'rebuild']) {
    const { code, output } = await install(path, { npm_command })
    assert.deepEqual([code, output, calls()], [0, '', ''])
  }
})

test('npm rebuild builds with cargo, and what it built is loaded', async () => {
  const path = without('rebuild')
  // A library that the cargo of this test has ready.
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
  test(`a cargo that ${name} is an error of npm rebuild`, async () => {
    const path = without(`cargo ${name}`)
    fakeCargo(path, script)
    const { code, output } = await install(path, { npm_command: 'rebuild', CARGO_TARGET_DIR: join(path, 'target') })
    assert.equal(code, 1)
    assert.match(output, message)
  })
}

test('no cargo at all is an error of npm rebuild that says where Rust comes from', async () => {
  const path = without('no cargo')
  write(path, { 'empty/nothing': '' })
  const { code, output } = await install(path, { npm_command: 'rebuild', PATH: join(path, 'empty') })
  assert.equal(code, 1)
  assert.match(output, /cargo does not start .*Install Rust 1\.88 or newer \(https:\/\/rustup\.rs\)/)
})

/** Runs the install script as npm does. @param {string} path @param {NodeJS.ProcessEnv} env */
function install(path, env) {
  const cwd = join(path, 'node_modules/offloop')
  return node(cwd, ['lib/native/install.js'], { PATH: pathOf(path), npm_config_build_from_source: undefined, ...env })
}

/** @param {string} path */
function pathOf(path) {
  return join(path, 'bin') + delimiter + process.env.PATH
}

/**
 * Puts a cargo in front of any other.
 * @param {string} path
 * @param {string} [script] what it does, besides keeping what it was told
 * @returns {() => string} where it was called, and with what
 */
function fakeCargo(path, script = '') {
  const log = join(path, 'calls')
  write(path, { 'bin/cargo': `#!/bin/sh\necho "$PWD: $*" >>'${log}'\n${script}\n`, calls: '' })
  chmodSync(join(path, 'bin/cargo'), 0o755)
  return () => readFileSync(log, 'utf8')
}
