'use strict'

// Where the generated loader looks for the addon, in its order.

const { createRequire } = require('node:module')
const { platform } = require('./platform')

/**
 * @typedef {object} AddonFile
 * @property {string} place as a message names it
 * @property {string} specifier for `require`
 * @property {string | undefined} path of the file; undefined if it was not found
 */

/** Resolves modules from this file; undefined in an ES module made by a bundler. */
const own = typeof __filename === 'string' ? createRequire(__filename) : undefined

/** If set, the only place where the loader looks. */
const OVERRIDE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** @returns {AddonFile[]} */
function addonFiles() {
  const override = process.env[OVERRIDE]
  if (override) return [found(`${override}, which ${OVERRIDE} names,`, override)]
  const name = platform()
  return [
    found(`lib/native/offloop.${name}.node`, `./offloop.${name}.node`),
    found(`The package offloop-${name}`, `offloop-${name}`)
  ]
}

/** @param {string} place @param {string} specifier */
function found(place, specifier) {
  return { place, specifier, path: resolved(specifier) }
}

/** @param {string} specifier */
function resolved(specifier) {
  try {
    return own?.resolve(specifier)
  } catch {
    return undefined
  }
}

module.exports = { OVERRIDE, addonFiles, own, resolved }
