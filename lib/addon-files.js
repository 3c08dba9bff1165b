'use strict'

// Where the generated loader looks for the addon, in its order.

const { createRequire } = require('node:module')
const { platform } = require('./platform')

/**
 * @typedef {object} AddonFile
 * @property {string} place as a message names it
 * @property {string} specifier for `require`
 * @property {string | undefined} path of the file; undefined if there is none, or it cannot be found
 */

/** Where modules are looked for from here. An ES module that a bundler made has no such place. */
const own = typeof __filename === 'string' ? createRequire(__filename) : undefined

/** Names the one place that is looked at, if it is set. */
const OVERRIDE = 'NAPI_RS_NATIVE_LIBRARY_PATH'

/** @returns {AddonFile[]} */
function addonFiles() {
  const override = process.env[OVERRIDE]
  if (override) return [found(`${override}, which ${OVERRIDE} names,`, override)]
  const name = platform()
  return [
    found(`lib/offloop.${name}.node`, `./offloop.${name}.node`),
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
