'use strict'

// A process may hold several copies of this package: test runners reset module registries. An object of one copy is not accepted by
// another, and the message must say why, since the classes have the same names.

const KEY = Symbol.for('offloop.copy')
/** Identifies this copy. */
const COPY = {}

/** Marks the instances of a class as those of this copy. @param {Function} Class */
function markCopy(Class) {
  Object.defineProperty(Class.prototype, KEY, { value: COPY })
}

/** Whether an object belongs to another copy. @param {object} object */
function isOfOtherCopy(object) {
  const copy = Reflect.get(object, KEY)
  return copy !== undefined && copy !== COPY
}

module.exports = { isOfOtherCopy, markCopy }
