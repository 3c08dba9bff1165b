'use strict'

// npm run pack: the tarballs that would be published, of the package and of this platform's addon, into target/pack.

const { mkdirSync, rmSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('../lib/platform.js')
const { root, run, start } = require('./command.js')
const { setup } = require('./setup.js')

const FOLDER = join(root, 'target', 'pack')

/** @returns {Promise<string[]>} the paths of the tarballs: of the package, of the addon */
async function pack(folder = FOLDER) {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const args = ['pack', '--json', '--pack-destination', folder, '.', `./npm/${platform()}`]
  const { code, stdout, output } = await run(npm, args, { timeout: 120_000 })
  if (code !== 0) throw new Error(`\`npm pack\` failed:\n${output}`)
  const packed = JSON.parse(stdout.slice(stdout.indexOf('[')))
  return packed.map((/** @type {any} */ { filename }) => join(folder, filename))
}

module.exports = { pack }

if (require.main === module) {
  start(async () => {
    await setup()
    for (const path of await pack()) console.log(path)
  })
}
