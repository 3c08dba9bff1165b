'use strict'

// Projects into which the packed tarballs are installed.

const assert = require('node:assert/strict')
const { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { basename, dirname, join } = require('node:path')
const { npm, run } = require('../../scripts/lib/process.js')
const { pack } = require('../../scripts/release/pack.js')

/**
 * Program of a project: a native transform, a module function and a cache. Expects `pool`, `transforms` and `Cache` in scope.
 */
const WORK = `
  const hash = await pool.run(transforms.digest('sha256', { encoding: 'hex' }), 'abc')
  const shout = await pool.run(transforms.worker('./shout.cjs'), 'hello')
  let loads = 0
  const squares = new Cache({ max: 10, load: async id => ++loads && Number(id) ** 2 })
  const found = await Promise.all(['3', '3', '4'].map(id => squares.get(id)))
  const done = JSON.stringify({ hash, shout, found, loads })
`

const OUTPUT = JSON.stringify({
  hash: 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  shout: 'HELLO',
  found: [9, 9, 16],
  loads: 2
})

const SHOUT = { 'shout.cjs': 'module.exports = text => text.toUpperCase()' }

/** Unsets the variables that npm and node:test set. */
const CLEAN_ENV = Object.fromEntries(
  Object.keys(process.env)
    .filter(name => /^npm_(?!config_|execpath)/.test(name) || /^NODE_(TEST_CONTEXT|OPTIONS)$|^NAPI_RS_/.test(name))
    .map(name => [name, undefined])
)

/** Packs the tarballs and installs them into a project, in a new folder. @returns {Promise<string>} */
async function installPackage() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offloop-package-')))
  await install(join(folder, 'installed'), await pack(join(folder, 'tarballs')))
  return folder
}

/**
 * Makes a project from tarballs, offline: packages of other platforms are optional.
 * @param {string} project
 * @param {readonly string[]} tarballs
 */
async function install(project, tarballs) {
  write(project, { 'package.json': '{ "private": true }' })
  const quiet = ['--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  const args = ['install', '--prefix', project, '--offline', '--omit=optional', ...quiet, ...tarballs]
  const outcome = await npm(args, { cwd: project, env: CLEAN_ENV, timeout: 60_000 })
  assert.equal(outcome.code, 0, outcome.output)
  return outcome
}

/**
 * Copies the project that has the package installed and adds files.
 * @param {string} folder
 * @param {string} name
 * @param {Record<string, string>} files
 */
function project(folder, name, files) {
  const path = join(folder, name)
  // The links in .bin lead to the original.
  cpSync(join(folder, 'installed'), path, { recursive: true, filter: source => basename(source) !== '.bin' })
  write(path, { ...SHOUT, ...files })
  return path
}

function write(/** @type {string} */ folder, /** @type {Record<string, string>} */ files) {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
}

/**
 * Runs Node in a project.
 * @param {string} cwd
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env]
 */
function node(cwd, args, env) {
  return run(process.execPath, args, { cwd, env: { ...CLEAN_ENV, ...env }, timeout: 60_000 })
}

/**
 * Asserts that a program that runs WORK prints OUTPUT.
 * @param {string} cwd
 * @param {readonly string[]} args
 */
async function assertWorks(cwd, args) {
  const { code, stdout, output } = await node(cwd, args)
  assert.equal(code, 0, output)
  assert.equal(stdout.trim(), OUTPUT, output)
}

/** @param {string} folder */
function remove(folder) {
  rmSync(folder, { recursive: true, force: true })
}

module.exports = { CLEAN_ENV, OUTPUT, WORK, assertWorks, install, installPackage, node, project, remove, write }
