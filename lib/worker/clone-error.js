'use strict'

/**
 * Explains why a value cannot be cloned: the place of the part that cannot be, as in `input.users[3].save`, and its kind. It never
 * throws, whatever getters and proxies the value holds, and stops searching after half a second. Its source text runs in worker
 * threads too, so it refers to globals only.
 * @param {'input' | 'result'} name of the value
 * @param {unknown} value which cannot be cloned
 * @param {unknown} error that cloning it threw
 * @returns {string}
 */
function explainCloneError(name, value, error) {
  /** Each level clones all that is below it once more. */
  const MAX_LEVELS = 32
  /** The most characters of user text that a message repeats. */
  const MAX_TEXT = 200

  // These tell the kind of an object without running its code. A runtime without them relies on the `try` blocks below.
  const types = process.getBuiltinModule?.('node:util')?.types
  /** @param {unknown} value */
  const isProxy = value => types?.isProxy(value) === true

  /** @template T @param {() => T} read @param {T} otherwise @returns {T} */
  const tryRead = (read, otherwise) => {
    try {
      return read()
    } catch {
      return otherwise
    }
  }

  /** @param {string} text */
  const shorten = text => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}...` : text)

  /** A property, if it is a string. @param {any} object @param {string} key @returns {string} */
  const stringProperty = (object, key) => tryRead(() => (typeof object[key] === 'string' ? object[key] : ''), '')

  /** Describes a thrown value. @param {unknown} thrown */
  const describeThrown = thrown => {
    if (Object(thrown) !== thrown) return shorten(String(thrown))
    if (isProxy(thrown)) return 'a Proxy'
    const words = [stringProperty(thrown, 'name'), stringProperty(thrown, 'message')].filter(word => word !== '')
    return shorten(words.join(': ')) || 'an object'
  }

  /** Whether V8 ran out of stack while it followed the value. @param {unknown} thrown */
  const isTooDeep = thrown => describeThrown(thrown) === 'RangeError: Maximum call stack size exceeded'

  /** Returns the error of cloning a value. @param {unknown} value @returns {{ thrown: unknown } | undefined} */
  const cloneFailure = value => {
    try {
      if (Object(value) === value || typeof value === 'symbol') structuredClone(value)
      return undefined
    } catch (thrown) {
      return { thrown }
    }
  }

  /** @param {unknown} value */
  const describeKind = value => {
    if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`
    if (isProxy(value)) return 'a Proxy'
    const name = tryRead(() => stringProperty(Object.getPrototypeOf(value).constructor, 'name'), '')
    return name === '' ? 'an object that cannot be cloned' : `an instance of ${shorten(name)}`
  }

  /** Describes lost memory as lib/internal/detached.js does. @param {unknown} value */
  const describeDetached = value => {
    const isView = ArrayBuffer.isView(value)
    if (!isView && !types?.isArrayBuffer(value)) return undefined
    const how = tryRead(() => {
      new Uint8Array(isView ? value.buffer : /** @type {any} */ (value))
      return 'an out-of-bounds'
    }, 'a detached')
    const why = 'its memory was transferred, moved or resized away'
    return `must not be detached or out of bounds: ${why}. Received ${how} ${describeKind(value).slice('an instance of '.length)}`
  }

  /** @param {object} value @param {string} key */
  const formatStep = (value, key) => {
    if (Array.isArray(value) && /^\d+$/.test(key)) return `[${key}]`
    return /^[\w$]+$/.test(key) ? `.${key}` : `[${shorten(JSON.stringify(key))}]`
  }

  /**
   * Returns the parts of a value in the order in which they are cloned. Reading a part may throw.
   * @param {object} value
   * @returns {[path: () => string, read: () => unknown][]}
   */
  const parts = value => {
    /** @type {[() => string, () => unknown][]} */
    const found = []
    if (isProxy(value) || ArrayBuffer.isView(value)) return found
    if (types?.isMap(value)) {
      const pathTo = (/** @type {unknown} */ key) => `.get(${Object(key) === key ? 'an object' : shorten(String(key))})`
      Map.prototype.forEach.call(value, (it, key) => {
        found.push([() => '.keys()', () => key], [() => pathTo(key), () => it])
      })
    } else if (types?.isSet(value)) {
      Set.prototype.forEach.call(value, it => found.push([() => '.values()', () => it]))
    } else {
      const keys = types?.isNativeError(value) ? ['name', 'message', 'cause', 'stack'] : Object.keys(value)
      for (const key of keys) found.push([() => formatStep(value, key), () => Reflect.get(value, key)])
    }
    return found
  }

  /** The objects on the path. */
  const seen = new Set()
  const deadline = performance.now() + 500
  const isLate = () => performance.now() > deadline

  /** Returns the first part that cannot be cloned, or read. @param {object} value */
  const findUncloneable = value => {
    /** @type {{ path: () => string, value: unknown, thrown: { thrown: unknown } | undefined }[]} */
    const all = []
    for (const [path, read] of parts(value)) {
      try {
        const part = read()
        // A cycle is not the obstacle.
        if (!seen.has(part)) all.push({ path, value: part, thrown: undefined })
      } catch (thrown) {
        all.push({ path, value: undefined, thrown: { thrown } })
        break
      }
    }
    const leaf = all.find(part => typeof part.value === 'function' || typeof part.value === 'symbol')
    if (leaf !== undefined) return leaf
    // Bisecting costs about as much as cloning the list once; cloning part by part costs far more.
    let [from, to] = [0, all.length]
    while (to - from > 1 && !isLate()) {
      const middle = (from + to) >> 1
      if (cloneFailure(all.slice(from, middle).map(part => part.value)) !== undefined) to = middle
      else from = middle
    }
    const [first] = all.slice(from, to)
    return to - from === 1 && (first.thrown ?? cloneFailure(first.value)) !== undefined ? first : undefined
  }

  /** @returns {string} the text after the colon */
  const reason = () => {
    if (isTooDeep(error)) return 'it is nested too deeply'
    let path = String(name)
    for (let level = 0; level < MAX_LEVELS; level++) {
      if (value === null || typeof value !== 'object') break
      seen.add(value)
      const found = findUncloneable(value)
      if (found === undefined) {
        if (isLate()) return `${path} holds something that cannot be cloned (${describeThrown(error)})`
        // Either cloning it works by now, or it is its own kind that cannot be cloned.
        const again = cloneFailure(value)
        if (again === undefined || isTooDeep(again.thrown)) return describeThrown(again?.thrown ?? error)
        break
      }
      path += found.path()
      if (found.thrown !== undefined) return `reading ${path} throws ${describeThrown(found.thrown.thrown)}`
      value = found.value
    }
    return `${path} ${describeDetached(value) ?? `is ${describeKind(value)}`}`
  }

  return `The ${name} cannot be cloned: ${tryRead(reason, '') || describeThrown(error)}`
}

module.exports = { explainCloneError }
