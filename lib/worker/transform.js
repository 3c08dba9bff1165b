'use strict'

const { isAbsolute, resolve } = require('node:path')
const { pathToFileURL } = require('node:url')
const { defineTransform } = require('../task/implementation')
const { valueBytes } = require('../task/input')
const { WorkerTask } = require('./worker-task')
const { lazy } = require('../internal/lazy')
const { checkNoOptions, checkOptions, invalidType } = require('../internal/validate')

const RELATIVE = /^\.\.?[\\/]/

/** Ids by module and export: transforms share them, so that tables keyed by id stay bounded. @type {Map<string, number>} */
const ids = new Map()

/** @param {{ specifier: string, name: string, hint: string }} source */
function idOf({ specifier, name, hint }) {
  const key = JSON.stringify([specifier, name, hint])
  const id = ids.get(key) ?? ids.size
  ids.set(key, id)
  return id
}

const moduleRunners = lazy(() => require('./module-runner'))
const scriptRunners = lazy(() => require('./script-runner'))

/**
 * @param {unknown} specifier
 * @param {{ export?: string }} [options]
 */
function worker(specifier, options = {}) {
  checkOptions(options, ['export'])
  const { export: name = 'default' } = options
  if (typeof name !== 'string') throw invalidType('The "options.export" property', 'of type string', name)
  const source = Object.freeze({ specifier: resolveSpecifier(specifier), name, hint: hintFor(specifier) })
  const definition = { id: idOf(source), source }
  return defineTransform('worker', {
    createTask(context) {
      const { ModuleRunner } = moduleRunners()
      return new WorkerTask(context, context.pool.runner(ModuleRunner), definition)
    },
    inputSize: valueBytes
  })
}

/**
 * @param {unknown} specifier
 * @param {unknown} [options] none: the whole script runs
 */
function workerScript(specifier, options) {
  checkNoOptions(options)
  const located = resolveSpecifier(specifier)
  const url = new URL(located.includes(':') ? located : pathToFileURL(resolve(located)).href)
  const definition = Object.freeze({ url, hint: scriptHintFor(specifier) })
  return defineTransform('workerScript', {
    createTask(context) {
      const { ScriptRunner } = scriptRunners()
      return new WorkerTask(context, context.pool.runner(ScriptRunner), definition)
    },
    inputSize: valueBytes
  })
}

/**
 * Resolves paths to a file: URL, relative to the current directory as in `new Worker()`. The worker resolves bare specifiers.
 * @param {unknown} specifier
 * @returns {string}
 */
function resolveSpecifier(specifier) {
  if (specifier instanceof URL) return specifier.href
  if (typeof specifier !== 'string' || specifier === '') {
    const isFunction = typeof specifier === 'function'
    const hint = isFunction ? 'A function cannot be sent to a thread: export it from a module' : undefined
    throw invalidType('The "specifier" argument', 'a non-empty string or an instance of URL', specifier, hint)
  }
  if (isAbsolute(specifier) || RELATIVE.test(specifier)) return pathToFileURL(resolve(specifier)).href
  return specifier
}

/**
 * Returns the remedy for a module that is not found, or ''.
 * @param {unknown} specifier
 */
function hintFor(specifier) {
  if (typeof specifier !== 'string' || isAbsolute(specifier)) return ''
  if (RELATIVE.test(specifier)) return relativeHint(specifier)
  return /^[^:]*\.[cm]?[jt]s$/.test(specifier) ? `. Did you mean './${specifier}'?` : ''
}

/** @param {string} path */
function relativeHint(path) {
  const remedy = `use new URL('${path}', import.meta.url), or in CommonJS require.resolve('${path}')`
  return `. A relative path is resolved against the current directory: ${remedy}`
}

/**
 * Returns the remedy for a script that is not found, or ''. Unlike a module, a script is always a path.
 * @param {unknown} specifier
 */
function scriptHintFor(specifier) {
  if (typeof specifier !== 'string' || isAbsolute(specifier) || specifier.includes(':')) return ''
  return relativeHint(RELATIVE.test(specifier) ? specifier : `./${specifier}`)
}

module.exports = { worker, workerScript }
