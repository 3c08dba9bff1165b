'use strict'

const { types } = require('node:util')
const { now } = require('./clock')
const { detachedMessage, isDetached } = require('./detached')

/** Maximum number of levels searched: each clones everything below it once more. */
const MAX_LEVELS = 32
/** Maximum length of user text in a message. */
const MAX_TEXT = 200
const MAX_SEARCH_MS = 500

/**
 * Explains why a value cannot be cloned: the path of the part that cannot be, as in `input.users[3].save`, and its kind. Never
 * throws, even if getters and proxies in the value do.
 * @param {'input' | 'result'} name of the value
 * @param {unknown} value which cannot be cloned
 * @param {unknown} error that cloning it threw
 * @returns {string}
 */
function explainCloneError(name, value, error) {
  return `The ${name} cannot be cloned: ${cloneReason(name, value, error)}`
}

/**
 * Returns the reason alone, as in `value.users[3].save is a function`.
 * @param {string} name of the value
 * @param {unknown} value which cannot be cloned
 * @param {unknown} error that cloning it threw
 * @returns {string}
 */
function cloneReason(name, value, error) {
  return tryRead(() => findReason(name, value, error), '') || describeThrown(error)
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {unknown} error
 */
function findReason(path, value, error) {
  if (isTooDeep(error)) return 'it is nested too deeply'
  const deadline = now() + MAX_SEARCH_MS
  const isLate = () => now() > deadline
  /** The objects on the path. */
  const seen = new Set()
  for (let level = 0; level < MAX_LEVELS; level++) {
    if (value === null || typeof value !== 'object') break
    seen.add(value)
    const found = findUncloneable(value, seen, isLate)
    if (found === undefined) {
      if (isLate()) return `${path} holds something that cannot be cloned (${describeThrown(error)})`
      // Either the value can be cloned by now, or its own kind is the obstacle, not a part of it.
      const again = cloneFailure(value)
      if (again === undefined || isTooDeep(again.thrown)) return describeThrown(again?.thrown ?? error)
      break
    }
    path += found.path()
    if (found.failure !== undefined) return `reading ${path} throws ${describeThrown(found.failure.thrown)}`
    value = found.value
  }
  return isDetached(value) ? detachedMessage(path, value) : `${path} is ${describeKind(value)}`
}

/**
 * Returns the first part that cannot be cloned, or read.
 * @param {object} value
 * @param {Set<unknown>} seen
 * @param {() => boolean} isLate
 */
function findUncloneable(value, seen, isLate) {
  /** @type {{ path: () => string, value: unknown, failure: { thrown: unknown } | undefined }[]} */
  const parts = []
  for (const [path, read] of partsOf(value)) {
    try {
      const part = read()
      // A cycle is not the obstacle.
      if (!seen.has(part)) parts.push({ path, value: part, failure: undefined })
    } catch (thrown) {
      parts.push({ path, value: undefined, failure: { thrown } })
      break
    }
  }
  const leaf = parts.find(part => typeof part.value === 'function' || typeof part.value === 'symbol')
  if (leaf !== undefined) return leaf
  // Bisecting costs about as much as cloning the list once; cloning part by part costs far more.
  let [from, to] = [0, parts.length]
  while (to - from > 1 && !isLate()) {
    const middle = (from + to) >> 1
    if (cloneFailure(parts.slice(from, middle).map(part => part.value)) !== undefined) to = middle
    else from = middle
  }
  const [first] = parts.slice(from, to)
  return to - from === 1 && (first.failure ?? cloneFailure(first.value)) !== undefined ? first : undefined
}

/**
 * Returns the parts of a value in the order in which they are cloned. Reading a part may throw.
 * @param {object} value
 * @returns {[path: () => string, read: () => unknown][]}
 */
function partsOf(value) {
  /** @type {[() => string, () => unknown][]} */
  const parts = []
  if (types.isProxy(value) || ArrayBuffer.isView(value)) return parts
  if (types.isMap(value)) {
    const pathTo = (/** @type {unknown} */ key) => `.get(${Object(key) === key ? 'an object' : shorten(String(key))})`
    Map.prototype.forEach.call(value, (it, key) => {
      parts.push([() => '.keys()', () => key], [() => pathTo(key), () => it])
    })
  } else if (types.isSet(value)) {
    Set.prototype.forEach.call(value, it => parts.push([() => '.values()', () => it]))
  } else {
    const keys = types.isNativeError(value) ? ['name', 'message', 'cause', 'stack'] : Object.keys(value)
    for (const key of keys) parts.push([() => formatStep(value, key), () => Reflect.get(value, key)])
  }
  return parts
}

/**
 * @param {object} value
 * @param {string} key
 */
function formatStep(value, key) {
  if (Array.isArray(value) && /^\d+$/.test(key)) return `[${key}]`
  return /^[\w$]+$/.test(key) ? `.${key}` : `[${shorten(JSON.stringify(key))}]`
}

/**
 * Returns the error of cloning a value.
 * @param {unknown} value
 * @returns {{ thrown: unknown } | undefined}
 */
function cloneFailure(value) {
  try {
    if (Object(value) === value || typeof value === 'symbol') structuredClone(value)
    return undefined
  } catch (thrown) {
    return { thrown }
  }
}

/** @param {unknown} value */
function describeKind(value) {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
  if (types.isProxy(value)) return 'a Proxy'
  if (types.isPromise(value)) return 'an instance of Promise: await it first'
  const name = tryRead(() => stringProperty(Object.getPrototypeOf(value).constructor, 'name'), '')
  return name === '' ? 'an object that cannot be cloned' : `an instance of ${shorten(name)}`
}

/** @param {unknown} thrown */
function describeThrown(thrown) {
  if (Object(thrown) !== thrown) return shorten(String(thrown))
  if (types.isProxy(thrown)) return 'a Proxy'
  const words = [stringProperty(thrown, 'name'), stringProperty(thrown, 'message')].filter(word => word !== '')
  return shorten(words.join(': ')) || 'an object'
}

/** Whether V8 ran out of stack while it followed the value. @param {unknown} thrown */
function isTooDeep(thrown) {
  return describeThrown(thrown) === 'RangeError: Maximum call stack size exceeded'
}

/**
 * Returns a property if it is a string, or else ''.
 * @param {any} object
 * @param {string} key
 */
function stringProperty(object, key) {
  return tryRead(() => (typeof object[key] === 'string' ? object[key] : ''), '')
}

/** @param {string} text */
function shorten(text) {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text
}

/**
 * @param {() => string} read
 * @param {string} otherwise
 */
function tryRead(read, otherwise) {
  try {
    return read()
  } catch {
    return otherwise
  }
}

module.exports = { cloneReason, explainCloneError, formatStep }
