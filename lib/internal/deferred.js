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

module.exports = { captureResolvers, deferred }
