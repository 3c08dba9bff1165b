'use strict'

// Projects that use the package: folders into which the tarballs that would be published are installed.

const assert = require('node:assert/strict')
const { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { dirname, join } = require('node:path')
const { npm, run } = require('../../scripts/lib/process.js')
const { pack } = require('../../scripts/release/pack.js')

/**
 * What a project does with the package: native work, JavaScript of its own, a cache. `pool`, `transforms` and `Cache` are there.
 */
const WORK = `
  const hash = await pool.run(transforms.digest('sha256', { encoding: 'hex' }), 'abc')
  const shout = await pool.run(transforms.module('./shout.cjs'), 'hello')
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

/** Unsets the variables that npm sets for scripts, and node:test for test files. */
const CLEAN_ENV = Object.fromEntries(
  Object.keys(process.env)
    .filter(name => /^npm_(?!config_|execpath)/.test(name) || /^NODE_(TEST_CONTEXT|OPTIONS)$|^NAPI_RS_/.test(name))
    .map(name => [name, undefined])
)

/** A folder, with the tarballs in it and a project that has them installed. @returns {Promise<string>} */
async function installPackage() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'offloop-package-')))
  await install(join(folder, 'installed'), await pack(join(folder, 'tarballs')))
  return folder
}

/**
 * Makes a project of tarballs. No package of a registry is asked for: those of other platforms are optional.
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
 * A project with files of its own, beside the one that has the package installed.
 * @param {string} folder
 * @param {string} name
 * @param {Record<string, string>} files
 */
function project(folder, name, files) {
  const path = join(folder, name)
  cpSync(join(folder, 'installed'), path, { recursive: true })
  write(path, { ...SHOUT, ...files })
  return path
}

/** @param {string} folder @param {Record<string, string>} files */
function write(folder, files) {
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
 * Checks that a program that does WORK prints OUTPUT.
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
