'use strict'

// Prepares every command: the packages of the lock file, and an addon built from the current sources.

const { existsSync, readFileSync } = require('node:fs')
const { join } = require('node:path')
const { buildAddon, isBuilt, placeAddon } = require('./build.js')
const { npm, root, say, start } = require('./process.js')

/** Installs node_modules and builds the addon if they are missing or stale. */
async function setup() {
  await install(root)
  if (!(await isBuilt())) await buildAddon()
  placeAddon()
}

/**
 * Installs the packages of package-lock.json, unless they are installed.
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
 * Checks that node_modules contains the locked version of every package, except optional ones, which depend on the platform.
 * @param {string} folder
 * @returns {{ fits: boolean, why: string }}
 */
function installed(folder) {
  const present = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(present)) return { fits: false, why: 'node_modules is missing' }
  const expected = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')).packages
  const found = JSON.parse(readFileSync(present, 'utf8')).packages
  for (const [path, { version, optional, peer }] of Object.entries(expected)) {
    if (path === '' || optional || peer) continue
    if (found[path]?.version !== version) return { fits: false, why: `${path} is not ${version}` }
    if (!existsSync(join(folder, path))) return { fits: false, why: `${path} is missing` }
  }
  return { fits: true, why: '' }
}

module.exports = { install, installed, setup }

if (require.main === module) start(setup)
