'use strict'

const { existsSync } = require('node:fs')
const { join } = require('node:path')

const root = join(__dirname, '..', '..', '..', 'shared', 'conformance')

/**
 * Returns the path of a third-party suite, and the reason to skip its test if the suite is missing.
 * @param {string[]} names
 */
function suite(...names) {
  const path = join(root, ...names)
  return { path, skip: !existsSync(path) && `missing suite: ../shared/conformance/${names.join('/')}` }
}

module.exports = { suite }
