'use strict'

// Which loader called the running code, so that a loader that would wait for itself is rejected.

const { AsyncLocalStorage, AsyncResource } = require('node:async_hooks')
const { setImmediate } = require('../internal/clock')

/**
 * Flights that one call of a loader loads.
 * @typedef {object} LoaderScope
 * @property {LoaderScope | undefined} outer scope of the loader that called this loader's cache
 * @property {boolean} isSettled whether all its flights have ended
 * @property {(flight: any) => boolean} includes whether the loader would wait for itself if it joined this flight
 */

/** Scope of the loader that called the running code. @type {AsyncLocalStorage<LoaderScope>} */
const storage = new AsyncLocalStorage()

/** Returns the innermost scope that called the running code and still loads: a loader that has ended cannot wait for itself. */
function currentScope() {
  let scope = storage.getStore()
  while (scope?.isSettled) scope = scope.outer
  return scope
}

/**
 * True since Node 24: `AsyncLocalStorage.run` copies the values of all storages when it enters and again when it leaves. Ending an
 * async scope restores them without a copy. Older versions copy nothing, and an async scope costs them a call of each hook.
 */
const copiesValues = Number.parseInt(process.versions.node, 10) >= 24

/**
 * Calls a function inside a scope, with two arguments.
 * @template A, B, R
 * @param {LoaderScope} scope
 * @param {(first: A, second: B) => R} call
 * @param {A} first
 * @param {B} second
 * @returns {R}
 */
function callInside(scope, call, first, second) {
  if (!copiesValues) return storage.run(scope, call, first, second)
  return new AsyncResource('OffloopLoad').runInAsyncScope(enterAndCall, scope, call, first, second)
}

/** @type {(this: LoaderScope, call: (first: any, second: any) => any, first: any, second: any) => any} */
function enterAndCall(call, first, second) {
  storage.enterWith(this)
  return call(first, second)
}

/** Loads in flight in this environment. */
let loadsInFlight = 0
let isDisableScheduled = false

function loadBegan() {
  loadsInFlight++
}

/** Disables the storage after the last load in flight: up to Node 22 it slows down every promise of the process. */
function loadEnded() {
  loadsInFlight--
  if (loadsInFlight > 0 || isDisableScheduled) return
  isDisableScheduled = true
  setImmediate(() => {
    isDisableScheduled = false
    if (loadsInFlight === 0) storage.disable()
  })
}

module.exports = { callInside, currentScope, loadBegan, loadEnded }
