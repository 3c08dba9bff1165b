'use strict'

/**
 * Prepares values for one message so that they arrive without common parts, as if each was sent alone: a receiver that changes one
 * of them must not change another. Flat values share nothing unless they are the same object.
 * @param {readonly unknown[]} values
 * @returns {readonly unknown[]}
 */
function unshare(values) {
  if (values.length < 2) return values
  const seen = new Set()
  /** @param {object} object */
  const isNew = object => seen.size !== seen.add(object).size
  /** @param {unknown} value */
  const isPrimitive = value => value === null || typeof value !== 'object'
  /** @param {unknown} value */
  const isUnshared = value => {
    if (value === null || typeof value !== 'object') return true
    if (!isNew(value)) return false
    if (ArrayBuffer.isView(value)) return isNew(value.buffer)
    const prototype = Object.getPrototypeOf(value)
    return (prototype === Object.prototype || Array.isArray(value)) && Object.values(value).every(isPrimitive)
  }
  return values.map(value => (isUnshared(value) ? value : structuredClone(value)))
}

module.exports = { unshare }
