'use strict'

// A process may hold several copies of this package, since test runners reset module registries. Copies refuse each other's objects.
// The error says so, because the class names are the same.

const KEY = Symbol.for('offloop.copy')
/** Identifies this copy. */
const COPY = {}

/** Marks the instances of a class as those of this copy. @param {Function} Class */
function markCopy(Class) {
  Object.defineProperty(Class.prototype, KEY, { value: COPY })
}

/** Returns whether an object belongs to another copy. @param {object} object */
function isOfOtherCopy(object) {
  const copy = Reflect.get(object, KEY)
  return copy !== undefined && copy !== COPY
}

module.exports = { isOfOtherCopy, markCopy }
