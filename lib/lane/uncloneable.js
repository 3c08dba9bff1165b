'use strict'

/**
 * Where in a value something stands that cannot be cloned, as in `input.users[3].save`, and what it is. Its text runs in
 * worker threads too: it refers to nothing outside.
 * @param {unknown} value which cannot be cloned
 * @param {string} name of the value
 * @returns {string}
 */
function uncloneable(value, name) {
  /** @param {unknown} value */
  const isCloneable = value => {
    try {
      structuredClone(value)
      return true
    } catch {
      return false
    }
  }
  /** @param {unknown} value */
  const kind = value => {
    if (typeof value === 'function') return 'a function'
    if (typeof value === 'symbol') return 'a symbol'
    const name = Object.getPrototypeOf(value)?.constructor?.name
    return name ? `an instance of ${name}` : 'an object that cannot be cloned'
  }
  /** @param {object} value @returns {[string, unknown][]} */
  const children = value => {
    if (value instanceof Map)
      return [...value].flatMap(([key, it]) => [
        [`.get(${String(key)})`, it],
        ['.keys()', key]
      ])
    if (value instanceof Set) return [...value].map(it => ['.values()', it])
    if (Array.isArray(value)) return value.map((it, index) => [`[${index}]`, it])
    return Object.keys(value).map(key => [
      /^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`,
      Reflect.get(value, key)
    ])
  }
  const seen = new Set()
  let place = name
  for (;;) {
    if (value === null || typeof value !== 'object' || seen.has(value)) break
    seen.add(value)
    const child = children(value).find(([, it]) => !isCloneable(it))
    if (child === undefined) break
    place += child[0]
    value = child[1]
  }
  return `${place} is ${kind(value)}`
}

module.exports = { uncloneable }
