'use strict'

/**
 * A promise that whoever holds it settles: tests say when things happen.
 * @template T
 */
function gate() {
  /** @type {(value: T) => void} */
  let open = () => {}
  /** @type {(reason: unknown) => void} */
  let fail = () => {}
  const promise = /** @type {Promise<T>} */ (
    new Promise((resolve, reject) => {
      open = resolve
      fail = reject
    })
  )
  return { promise, open, fail }
}

module.exports = { gate }
