'use strict'

const { isAbsolute, resolve } = require('node:path')
const { pathToFileURL } = require('node:url')
const { checkNoOptions, checkOptions, invalidType } = require('../internal/validate')

/** Ids of transforms. Those of one module and export share an id, so that tables keyed by it stay bounded. @type {Map<string, number>} */
const ids = new Map()

/** @param {{ specifier: string, name: string }} definition */
function idOf({ specifier, name }) {
  const key = JSON.stringify([specifier, name])
  const id = ids.get(key) ?? ids.size
  ids.set(key, id)
  return id
}

/** A function of a user's module. */
class ModuleTransform {
  #definition
  #id

  /** @param {unknown} value @returns {value is ModuleTransform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #definition in value
  }

  /** @param {{ specifier: string, name: string }} definition */
  constructor(definition) {
    this.#definition = Object.freeze(definition)
    this.#id = idOf(definition)
    this.name = 'module'
    Object.freeze(this)
  }

  /** Returns the id by which threads know it. */
  static id(/** @type {ModuleTransform} */ transform) {
    return transform.#id
  }

  static definition(/** @type {ModuleTransform} */ transform) {
    return transform.#definition
  }
}

/** A script that is run once for each input. */
class ScriptTransform {
  #url

  /** @param {unknown} value @returns {value is ScriptTransform} */
  static is(value) {
    return typeof value === 'object' && value !== null && #url in value
  }

  /** @param {URL} url */
  constructor(url) {
    this.#url = url
    this.name = 'workerScript'
    Object.freeze(this)
  }

  static url(/** @type {ScriptTransform} */ transform) {
    return transform.#url
  }
}

/**
 * @param {unknown} specifier
 * @param {{ export?: string }} [options]
 */
function module_(specifier, options = {}) {
  checkOptions(options, ['export'])
  const { export: name = 'default' } = options
  if (typeof name !== 'string') throw invalidType('The "options.export" property', 'of type string', name)
  return new ModuleTransform({ specifier: resolveSpecifier(specifier), name })
}

/**
 * @param {unknown} specifier
 * @param {unknown} [options] none: the whole script runs
 */
function workerScript(specifier, options) {
  checkNoOptions(options)
  const located = resolveSpecifier(specifier)
  return new ScriptTransform(new URL(located.includes(':') ? located : pathToFileURL(resolve(located)).href))
}

/**
 * As a URL; what a package is called is left to be found by the thread. Relative paths are relative to the current directory, as
 * they are for `new Worker()`.
 * @param {unknown} specifier
 * @returns {string}
 */
function resolveSpecifier(specifier) {
  if (specifier instanceof URL) return specifier.href
  if (typeof specifier !== 'string' || specifier === '') {
    throw invalidType('The "specifier" argument', 'a non-empty string or an instance of URL', specifier)
  }
  if (isAbsolute(specifier) || /^\.\.?[\\/]/.test(specifier)) return pathToFileURL(resolve(specifier)).href
  return specifier
}

module.exports = { ModuleTransform, ScriptTransform, module: module_, workerScript }
