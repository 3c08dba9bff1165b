'use strict'

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..', '..', '..', 'shared', 'conformance')

/**
 * Where a suite of others lies, and why its test is skipped if it is not there.
 * @param {string[]} names
 */
function suite(...names) {
  const path = join(root, ...names)
  return { path, skip: !existsSync(path) && `the suite is not there: ../shared/conformance/${names.join('/')}` }
}

module.exports = { suite }
