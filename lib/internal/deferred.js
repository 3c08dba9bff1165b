'use strict'

/**
 * The resolvers of the promise last made by `new Promise(captureResolvers)`. An executor that is a closure would be one more
 * short-lived object for each promise.
 */
const deferred = { resolve: (/** @type {any} */ _) => {}, reject: (/** @type {unknown} */ _) => {} }

/**
 * @param {(value: any) => void} resolve
 * @param {(reason: unknown) => void} reject
 */
function captureResolvers(resolve, reject) {
  deferred.resolve = resolve
  deferred.reject = reject
}

/**
 * Like `Promise.resolve`, but rejects if that throws, as the getters of a user-defined promise may.
 * @param {unknown} value
 * @returns {Promise<any>}
 */
function resolved(value) {
  try {
    return Promise.resolve(value)
  } catch (error) {
    return Promise.reject(error)
  }
}

module.exports = { captureResolvers, deferred, resolved }
