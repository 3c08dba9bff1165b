'use strict'

/**
 * Values that travel together as if each travelled alone: one message keeps what its values share, and whoever changes one of them
 * would change others. Flat ones share nothing unless they are the same. Its text runs in worker threads too: it refers to nothing
 * outside.
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
