'use strict'

const { addonFiles } = require('./addon-files')
const { inspect } = require('./library')
const { version } = require('../../package.json')

/** @typedef {typeof import('./binding')} Binding */

/** Loaded only on failure. */
const failures = () => require('./load-failure')

/** Makes the generated loader refuse an addon package of another version. */
const CHECK = 'NAPI_RS_ENFORCE_VERSION_CHECK'

/** Loads the addon through the generated loader, and replaces the loader's errors with better ones. @returns {Binding} */
function load() {
  refuseTruncated()
  const previous = process.env[CHECK]
  process.env[CHECK] = '1'
  /** @type {Binding} */
  let binding
  try {
    binding = require('./binding.js')
  } catch (error) {
    throw failures().notLoadedError(error)
  } finally {
    if (previous === undefined) delete process.env[CHECK]
    else process.env[CHECK] = previous
  }
  if (binding.VERSION !== version) throw failures().versionError(binding)
  return binding
}

/** Refuses a truncated library: Linux maps it, and touching the missing part crashes the process. */
function refuseTruncated() {
  if (process.platform !== 'linux') return
  for (const { label, path } of addonFiles()) {
    const library = path === undefined ? undefined : inspect(path)
    if (library?.system === 'linux' && library.size < library.minSize) throw failures().truncatedError(label, library)
    // The loader takes the first file that it can load.
    if (library !== undefined) return
  }
}

module.exports = load()
