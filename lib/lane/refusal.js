'use strict'

/**
 * Why a value cannot be cloned: where in it something stands that cannot be, as in `input.users[3].save`, and what it is. Its text
 * runs in worker threads too: it refers to nothing outside.
 * @param {'input' | 'result'} name of the value
 * @param {unknown} value which cannot be cloned
 * @param {unknown} error that it was refused with
 * @returns {string}
 */
function refusal(name, value, error) {
  // V8 has no more stack to follow it.
  if (error instanceof RangeError) return `The ${name} cannot be cloned: it is nested too deeply`
  /** Each level clones all that is below it once more. */
  const MAX_LEVELS = 32
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
  /** What is to be said of memory that was given away before, as lib/lost.js does. @param {unknown} value */
  const lost = value => {
    const isView = ArrayBuffer.isView(value)
    if (!isView && !(value instanceof ArrayBuffer)) return undefined
    let how = 'an out-of-bounds'
    try {
      new Uint8Array(isView ? value.buffer : value)
    } catch {
      how = 'a detached'
    }
    const name = Object.getPrototypeOf(value)?.constructor?.name
    const why = 'its memory was transferred, moved or resized away'
    return `must not be detached or out of bounds: ${why}. Received ${how} ${name}`
  }
  /** @param {object} value @returns {[string, unknown][]} */
  const children = value => {
    if (value instanceof Map)
      return [...value].flatMap(([key, it]) => [
        // Text of an object would be made by the user's code.
        [`.get(${key instanceof Object ? 'an object' : String(key)})`, it],
        ['.keys()', key]
      ])
    if (value instanceof Set) return [...value].map(it => ['.values()', it])
    if (Array.isArray(value)) return value.map((it, index) => [`[${index}]`, it])
    const keys = Object.keys(value)
    if (value instanceof Error && value.cause !== undefined) keys.push('cause')
    return keys.map(key => [/^[\w$]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, Reflect.get(value, key)])
  }
  const seen = new Set()
  let place = String(name)
  for (let level = 0; level < MAX_LEVELS; level++) {
    if (value === null || typeof value !== 'object' || seen.has(value)) break
    seen.add(value)
    const child = children(value).find(([, it]) => !isCloneable(it))
    if (child === undefined) break
    place += child[0]
    value = child[1]
  }
  return `The ${name} cannot be cloned: ${place} ${lost(value) ?? `is ${kind(value)}`}`
}

module.exports = { refusal }
