'use strict'

// The published package, in a folder of target/.

const { copyFileSync, mkdirSync, rmSync } = require('node:fs')
const { join } = require('node:path')
const { platform } = require('../../lib/native/platform.js')
const { root } = require('../../scripts/lib/process.js')
const { writeBundle } = require('../../scripts/release/bundle.js')

/** Writes the JavaScript and this platform's addon. Returns the path of the file that `require('offloop')` loads. */
function writePublished() {
  const folder = join(root, 'target', 'published')
  rmSync(folder, { recursive: true, force: true })
  writeBundle(folder)
  const addon = join('lib', 'native', `offloop.${platform()}.node`)
  mkdirSync(join(folder, 'lib', 'native'))
  copyFileSync(join(root, addon), join(folder, addon))
  return join(folder, 'index.js')
}

module.exports = { writePublished }
