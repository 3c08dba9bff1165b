'use strict'

const { join } = require('node:path')
const { platform } = require('./platform')

/**
 * @typedef {object} AddonFile
 * @property {string} label as a message names it
 * @property {string} specifier for `require`
 * @property {boolean} isPackage
 * @property {string | undefined} path undefined if the file was not found
 */

/** The folder of an addon built here. A bundle into which the package was put may be an ES module, which has none. */
const FOLDER = typeof __dirname === 'string' ? __dirname : '.'

/** If set, the only file to load. */
const OVERRIDE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** Returns the files that may hold the addon, in the order in which they are tried. @returns {AddonFile[]} */
function addonFiles() {
  const override = process.env[OVERRIDE]
  if (override) return [addonFile(`${override}, which ${OVERRIDE} names,`, override)]
  const name = platform()
  return [
    addonFile(`lib/native/offloop.${name}.node`, join(FOLDER, `offloop.${name}.node`)),
    addonFile(`The package offloop-${name}`, `offloop-${name}`, true)
  ]
}

/**
 * @param {string} label
 * @param {string} specifier
 * @param {boolean} [isPackage]
 */
function addonFile(label, specifier, isPackage = false) {
  return { label, specifier, isPackage, path: tryResolve(specifier) }
}

/** @param {string} specifier */
function tryResolve(specifier) {
  try {
    return require.resolve(specifier)
  } catch {
    return undefined
  }
}

module.exports = { OVERRIDE, addonFiles, tryResolve }
