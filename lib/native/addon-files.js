'use strict'

// Where the generated loader looks for the addon, in its order.

const { createRequire } = require('node:module')
const { platform } = require('./platform')

/**
 * @typedef {object} AddonFile
 * @property {string} label as a message names it
 * @property {string} specifier for `require`
 * @property {string | undefined} path of the file; undefined if it was not found
 */

/** Resolves modules from this file; undefined in an ES module made by a bundler. */
const requireHere = typeof __filename === 'string' ? createRequire(__filename) : undefined

/** If set, the only place where the loader looks. */
const OVERRIDE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** @returns {AddonFile[]} */
function addonFiles() {
  const override = process.env[OVERRIDE]
  if (override) return [addonFile(`${override}, which ${OVERRIDE} names,`, override)]
  const name = platform()
  return [
    addonFile(`lib/native/offloop.${name}.node`, `./offloop.${name}.node`),
    addonFile(`The package offloop-${name}`, `offloop-${name}`)
  ]
}

/** @param {string} label @param {string} specifier */
function addonFile(label, specifier) {
  return { label, specifier, path: tryResolve(specifier) }
}

/** @param {string} specifier */
function tryResolve(specifier) {
  try {
    return requireHere?.resolve(specifier)
  } catch {
    return undefined
  }
}

module.exports = { OVERRIDE, addonFiles, requireHere, tryResolve }
