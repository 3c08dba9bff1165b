'use strict'

const { addonFiles } = require('./addon-files')
const { inspect } = require('./library')
const { version } = require('../../package.json')

/**
 * @typedef {typeof import('./binding')} Binding
 * @typedef {import('./addon-files').AddonFile} AddonFile
 */

const LOADED = Symbol.for('offloop.addons')

/** Loads the first addon that this process can load. @returns {Binding} */
function load() {
  const attempts = []
  for (const file of addonFiles()) {
    try {
      return loadFile(file)
    } catch (error) {
      attempts.push({ file, error })
    }
  }
  throw require('./load-failure').notLoadedError(attempts)
}

/** @param {AddonFile} file */
function loadFile({ label, specifier, path, isPackage }) {
  if (isPackage) checkVersion(label, require(`${specifier}/package.json`).version)
  const loaded = loadedAddons()
  const known = loaded.get(path ?? specifier)
  if (known !== undefined) return known
  if (path !== undefined) refuseTruncated(path)
  const binding = require(specifier)
  checkVersion(path ?? label, binding.VERSION)
  loaded.set(path ?? specifier, binding)
  return binding
}

/**
 * Returns the addons that this thread has loaded, by file. They survive a reset of the module registry: loading an addon again
 * would open another environment, which lives as long as the thread.
 * @returns {Map<string, Binding>}
 */
function loadedAddons() {
  const holder = /** @type {Record<symbol, any>} */ (/** @type {unknown} */ (process))
  holder[LOADED] ??= new Map()
  return holder[LOADED]
}

/** Refuses a truncated library: Linux maps it, and touching the missing part crashes the process. @param {string} path */
function refuseTruncated(path) {
  const library = process.platform === 'linux' ? inspect(path) : undefined
  if (library === undefined || library.size >= library.minSize) return
  throw new Error(`The file ends after ${library.size} bytes, within a segment that ends at ${library.minSize}`)
}

/**
 * @param {string} name
 * @param {unknown} found
 */
function checkVersion(name, found) {
  if (found === version) return
  const message =
    typeof found === 'string'
      ? `${name} has version ${found}, but this is offloop ${version}`
      : `${name} does not report version ${version} of offloop: it is an older addon, or another library`
  throw Object.assign(new Error(message), { isVersionMismatch: true })
}

module.exports = load()
