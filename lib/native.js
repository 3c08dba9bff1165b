'use strict'

const { addonFiles } = require('./addon-files')
const { inspect } = require('./library')
const { version } = require('../package.json')

/** @typedef {typeof import('./binding')} Binding */

/** Needed only where something is wrong. */
const failures = () => require('./load-failure')

/** Makes the generated loader refuse an addon package of another version. */
const CHECK = 'NAPI_RS_ENFORCE_VERSION_CHECK'

/** The only importer of the generated loader, whose own advice is for those who install from a registry. @returns {Binding} */
function load() {
  refuseCutShort()
  const before = process.env[CHECK]
  process.env[CHECK] = '1'
  /** @type {Binding} */
  let binding
  try {
    binding = require('./binding.js')
  } catch (error) {
    throw failures().notLoaded(error)
  } finally {
    if (before === undefined) delete process.env[CHECK]
    else process.env[CHECK] = before
  }
  if (binding.VERSION !== version) throw failures().otherVersion(binding)
  return binding
}

/** A library that is not whole would end the process: Linux maps it, and fails where it is touched. */
function refuseCutShort() {
  if (process.platform !== 'linux') return
  for (const { place, path } of addonFiles()) {
    const library = path === undefined ? undefined : inspect(path)
    if (library?.system === 'linux' && library.size < library.needed) throw failures().cutShort(place, library)
    // The loader takes the first one that it can load.
    if (library !== undefined) return
  }
}

module.exports = load()
