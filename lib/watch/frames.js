'use strict'

// Frames of stacks. `describe` runs in an interrupt: neither it nor the functions that it calls use regular expressions, whose results
// belong to the interrupted code, or call functions of the program.

const { normalize, sep } = require('node:path')
const { lazy } = require('../internal/lazy')
const { CHECKPOINT, METHODS, sample } = require('./json-checkpoints')

/** @typedef {import('../../watch').Frame} Frame */

// Functions that the program may replace.
const { stringify } = JSON
const { setPrototypeOf } = Object
/** Replaces lone surrogates, which JSON cannot hold. @type {(text: string) => string} */
const wellFormed = Function.prototype.call.bind(/** @type {any} */ (String.prototype).toWellFormed)

/** Folder of this package, whose frames are not the user's. */
const PACKAGE = typeof __dirname === 'string' ? __dirname.slice(0, -'lib/watch'.length) : undefined
const NOWHERE = { file: '', line: 0, column: 0, isUser: false }
const FILE_URL = process.platform === 'win32' ? 'file:///' : 'file://'
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
  return Array.isArray(sites) ? framesOfSites(sites) : framesInText(sites)
}

/**
 * Returns the current stack, as text and as frames, in JSON. The frames are empty if `Error` is frozen, since native code
 * cannot install `formatter` then.
 */
function describe() {
  const { stack } = /** @type {{ stack?: unknown }} */ (new Error('The event loop is blocked'))
  if (!isSites(stack)) return toJson(typeof stack === 'string' ? stack : '', [])
  const sites = stack.slice(1)
  let text = 'Error: The event loop is blocked'
  for (const site of sites) text += `\n    at ${site}`
  return toJson(text, withoutCheckpoints(framesOfSites(sites)))
}

/**
 * Converts to JSON without calling `toJSON` of prototypes.
 * @param {string} stack
 * @param {Frame[]} frames
 */
function toJson(stack, frames) {
  setPrototypeOf(frames, null)
  for (let index = 0; index < frames.length; index++) {
    const frame = frames[index]
    frame.name = wellFormed(frame.name)
    frame.file = wellFormed(frame.file)
    setPrototypeOf(frame, null)
  }
  return stringify(setPrototypeOf({ stack: wellFormed(stack), frames }, null))
}

/**
 * Returns the call sites of a stack: in place of the text of `Error.prepareStackTrace`.
 * @param {unknown} _error
 * @param {NodeJS.CallSite[]} sites
 */
function formatter(_error, sites) {
  return sites
}

const fileOfCheckpoints = lazy(() => allFrames(sample())[0]?.file ?? '')

/** Replaces the frames of a checkpoint with one of `JSON.parse` or `JSON.stringify`. @param {Frame[]} frames */
function withoutCheckpoints(frames) {
  const checkpointFile = fileOfCheckpoints()
  const isInMethod = frames.length > 1 && frames[0].file === '' && frames[1].file === checkpointFile
  const shown = isInMethod || frames[0]?.name === CHECKPOINT ? frames.slice(1) : frames
  for (let index = 0; index < shown.length; index++) {
    const { file, name, isAsync } = shown[index]
    if (file === checkpointFile && (name === METHODS[0] || name === METHODS[1])) {
      shown[index] = { name: `JSON.${name}`, ...NOWHERE, isAsync }
    }
  }
  return shown
}

/**
 * Returns the call sites of an error, or its stack as text if `Error` is frozen. The program's formatter is not called, except for
 * errors of other contexts.
 * @param {Error} error
 * @returns {NodeJS.CallSite[] | string}
 */
function callSites(error) {
  const own = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  const isReplaced =
    (own === undefined || own.configurable === true) &&
    Reflect.defineProperty(Error, 'prepareStackTrace', { value: formatter, configurable: true, writable: true })
  try {
    const { stack } = /** @type {{ stack?: unknown }} */ (error)
    return isSites(stack) || typeof stack === 'string' ? stack : ''
  } catch {
    // A formatter of another context has thrown.
    return ''
  } finally {
    if (isReplaced && own !== undefined) Object.defineProperty(Error, 'prepareStackTrace', own)
    else if (isReplaced) Reflect.deleteProperty(Error, 'prepareStackTrace')
  }
}

/**
 * @param {unknown} stack
 * @returns {stack is NodeJS.CallSite[]}
 */
function isSites(stack) {
  return Array.isArray(stack) && (stack.length === 0 || typeof stack[0]?.getFileName === 'function')
}

/** @param {NodeJS.CallSite[]} sites */
function framesOfSites(sites) {
  /** @type {Frame[]} */
  const frames = []
  for (const site of sites) frames[frames.length] = frameOfSite(site)
  return frames
}

/**
 * @param {NodeJS.CallSite} site
 * @returns {Frame}
 */
function frameOfSite(site) {
  const name = site.getFileName()
  const file = pathOf(name ?? '')
  const own = { file, line: site.getLineNumber() ?? 0, column: site.getColumnNumber() ?? 0 }
  const place = name === null || name === undefined ? (originOf(site.getEvalOrigin()) ?? own) : own
  return frame(nameOf(site, place.file), place.file, place.line, place.column, isAsync(site))
}

/**
 * Returns the position of the call that evaluated code, such as `eval at run (/srv/a.js:2:25)`, or of the outermost one.
 * @param {string | undefined} origin
 */
function originOf(origin) {
  if (origin === undefined) return undefined
  const begin = origin.lastIndexOf('(')
  const end = origin.indexOf(')', begin)
  const column = origin.lastIndexOf(':', end)
  const line = origin.lastIndexOf(':', column - 1)
  if (begin === -1 || line <= begin || end === -1) return undefined
  const number = (/** @type {number} */ from, /** @type {number} */ to) => Number(origin.slice(from + 1, to))
  return { file: pathOf(origin.slice(begin + 1, line)), line: number(line, column), column: number(column, end) }
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

/** Returns the path of a file or of its URL. @param {string} file */
function pathOf(file) {
  if (!file.startsWith(FILE_URL)) return file
  try {
    return normalize(decodeURIComponent(file.slice(FILE_URL.length)))
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

module.exports = { describe, formatter, framesOf, isUserFile, pathOf }
