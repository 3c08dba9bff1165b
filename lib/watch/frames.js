'use strict'

const { fileURLToPath } = require('node:url')
const { sep } = require('node:path')
const { lazy } = require('../internal/lazy')
const { CHECKPOINT, METHODS, sample } = require('./json-checkpoints')

/** @typedef {import('../../watch').Frame} Frame */

/** Folder of this package, whose frames are not the user's. */
const PACKAGE = typeof __dirname === 'string' ? __dirname.slice(0, -'lib/watch'.length) : undefined
const NOWHERE = { file: '', line: 0, column: 0, isUser: false }
const LINE = /^ {4}at (async )?(?:(.*) \()?(.*?)(?::(\d+):(\d+))?\)?$/

/**
 * Returns the frames of an error, innermost first.
 * @param {Error} error
 * @returns {Frame[]}
 */
function framesOf(error) {
  return withoutCheckpoints(allFrames(error))
}

/** @param {Error} error */
function allFrames(error) {
  const sites = callSites(error)
  return Array.isArray(sites) ? sites.map(frameOfSite) : framesInText(String(sites))
}

/**
 * Returns the stack of an error as text, and its frames, as JSON. Called in an interrupt, so it is short and loads nothing.
 * @param {Error} error
 */
function describe(error) {
  const sites = callSites(error)
  if (!Array.isArray(sites)) return JSON.stringify({ stack: String(sites), frames: framesInText(String(sites)) })
  const lines = sites.map(site => `    at ${site}`)
  return JSON.stringify({
    stack: [`Error: ${error.message}`, ...lines].join('\n'),
    frames: withoutCheckpoints(sites.map(frameOfSite))
  })
}

const fileOfCheckpoints = lazy(() => allFrames(sample())[0]?.file ?? '')

/** Shows a checkpoint as the function of V8 that it follows. @param {Frame[]} frames */
function withoutCheckpoints(frames) {
  const checkpointFile = fileOfCheckpoints()
  const shown = frames[0]?.name === CHECKPOINT ? frames.slice(1) : frames
  return shown.map(frame =>
    frame.file === checkpointFile && METHODS.some(method => method === frame.name)
      ? { ...frame, name: `JSON.${frame.name}`, ...NOWHERE }
      : frame
  )
}

/**
 * Returns the call sites of an error, or its stack as text if `Error` is frozen. The program's own formatter is not called.
 * @param {Error} error
 */
function callSites(error) {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  const isReplaced =
    (own === undefined || own.configurable === true) &&
    Reflect.defineProperty(Error, 'prepareStackTrace', {
      value: (/** @type {unknown} */ _error, /** @type {NodeJS.CallSite[]} */ sites) => sites,
      configurable: true,
      writable: true
    })
  if (!isReplaced) return error.stack ?? ''
  try {
    return /** @type {NodeJS.CallSite[] | string} */ (/** @type {unknown} */ (error.stack))
  } finally {
    if (own === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace')
    else Object.defineProperty(Error, 'prepareStackTrace', own)
  }
}

/**
 * @param {NodeJS.CallSite} site
 * @returns {Frame}
 */
function frameOfSite(site) {
  const file = pathOf(site.getFileName() ?? site.getEvalOrigin() ?? '')
  return frame(nameOf(site, file), file, site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0, isAsync(site))
}

/**
 * @param {NodeJS.CallSite} site
 * @param {string} file
 */
function nameOf(site, file) {
  const name = site.getFunctionName() ?? site.getMethodName()
  if (name === null || name === undefined || name === '') return '<anonymous>'
  if (site.isConstructor()) return `new ${name}`
  // A function of V8, such as RegExp.test.
  const type = file === '' ? site.getTypeName() : null
  return type === null || type === undefined || name.includes('.') ? name : `${type}.${name}`
}

/** @param {NodeJS.CallSite} site */
function isAsync(site) {
  return /** @type {{ isAsync?: () => boolean }} */ (site).isAsync?.() === true
}

/**
 * @param {string} text
 * @returns {Frame[]}
 */
function framesInText(text) {
  const lines = text.split('\n').map(line => LINE.exec(line))
  return lines.flatMap(match => {
    if (match === null) return []
    const [, async, name, location, line, column] = match
    const file = location === '<anonymous>' || location === 'native' ? '' : pathOf(location)
    return [frame(name ?? '<anonymous>', file, Number(line ?? 0), Number(column ?? 0), async !== undefined)]
  })
}

/**
 * @param {string} name
 * @param {string} file
 * @param {number} line
 * @param {number} column
 * @param {boolean} isAsync
 * @returns {Frame}
 */
function frame(name, file, line, column, isAsync) {
  return { name, file, line, column, isAsync, isUser: isUserFile(file) }
}

/** @param {string} file */
function pathOf(file) {
  if (!file.startsWith('file:')) return file
  try {
    return fileURLToPath(file)
  } catch {
    return file
  }
}

/** Returns whether a file is neither Node's, nor a package's, nor WebAssembly, which has no lines. @param {string} file */
function isUserFile(file) {
  if (file === '' || file.startsWith('node:') || file.startsWith('wasm:') || file.includes(`node_modules${sep}`))
    return false
  return PACKAGE === undefined || !file.startsWith(`${PACKAGE}lib${sep}`)
}

module.exports = { describe, framesOf }
