'use strict'

/**
 * Returns a promise with the functions that settle it.
 * @template T
 */
function deferred() {
  /** @type {(value: T) => void} */
  let resolve = () => {}
  /** @type {(reason: unknown) => void} */
  let reject = () => {}
  const promise = /** @type {Promise<T>} */ (
    new Promise((onResolve, onReject) => {
      resolve = onResolve
      reject = onReject
    })
  )
  return { promise, resolve, reject }
}

module.exports = { deferred }
