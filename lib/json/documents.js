'use strict'

// Results that are JSON: short ones are parsed when they arrive, others arrive in parts and are built in slices of the event loop.

const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { Reservation } = require('../native/reservation')
const { slice } = require('../internal/loop-scheduler')
const { DocumentBuild } = require('./builder')

/** @typedef {import('../native/completion-port').Listener} Listener */

/** Large values that are being built, by task. @type {Map<number, DocumentBuild>} */
const builds = new Map()

/**
 * Adds a part of a large value. Until all of it is built the task is not over, and its id stays in use.
 * @param {number} taskId
 * @param {Listener} listener
 * @param {number} budget of a slice, in ms
 * @param {boolean} isLast
 * @param {Buffer} text
 * @param {Buffer} plan
 */
function addPart(taskId, listener, budget, isLast, text, plan) {
  const build = builds.get(taskId) ?? startBuilder(taskId, listener, budget)
  build.add(text, plan, isLast)
  // Native code has released the task's reservation: the text that is left to build still counts for the pool.
  const { pool } = listener
  if (isLast && pool !== undefined && listener.isSettled !== true) {
    build.reservation = new Reservation(native.retainRoom(pool.handle, build.left))
  }
  slice(build)
}

/**
 * @param {number} taskId
 * @param {Listener} listener
 * @param {number} budget
 */
function startBuilder(taskId, listener, budget) {
  /** @type {(value: unknown, failure: import('../internal/errors').FailureRecord | undefined) => void} */
  const done = (value, failure) => {
    builds.delete(taskId)
    build.reservation?.release()
    completionPort.release(taskId)
    listener.settle?.(value, failure)
  }
  const build = new DocumentBuild(budget, () => listener.isSettled !== true, done)
  builds.set(taskId, build)
  return build
}

/** Drops what was built for a task that failed or was cancelled. @param {number} taskId */
function discard(taskId) {
  if (builds.size === 0) return
  builds.get(taskId)?.drop()
  builds.delete(taskId)
}

completionPort.registerDecoder('jsonText', JSON.parse)
completionPort.registerPartsDecoder({ addPart, discard })
