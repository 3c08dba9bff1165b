'use strict'

// Results that are JSON: short ones are parsed when they arrive, others arrive in parts and are built in slices of the event loop.

const native = require('../native')
const { completionPort } = require('../native/completion-port')
const { Reservation } = require('../native/reservation')
const { loopScheduler } = require('../native/shared')
const { Priority } = require('../internal/loop-scheduler')
const { JsonBuilder } = require('./builder')

/** @typedef {import('../native/completion-port').Listener} Listener */

/** Large values that are being built, by task. @type {Map<number, JsonBuilder>} */
const builders = new Map()

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
  const builder = builders.get(taskId) ?? startBuilder(taskId, listener, budget)
  builder.add(text, plan, isLast)
  // Native code has released the task's reservation: the text that is left to build still counts for the pool.
  const { pool } = listener
  if (isLast && pool !== undefined && listener.isSettled !== true) {
    builder.reservation = new Reservation(native.retainReservation(pool.handle, builder.bytesLeft))
  }
  loopScheduler.schedule(builder, Priority.Json)
}

/**
 * @param {number} taskId
 * @param {Listener} listener
 * @param {number} budget
 */
function startBuilder(taskId, listener, budget) {
  /** @type {(value: unknown, failure: import('../internal/errors').SerializedFailure | undefined) => void} */
  const onDone = (value, failure) => {
    builders.delete(taskId)
    builder.reservation?.release()
    completionPort.release(taskId)
    listener.settle?.(value, failure)
  }
  const builder = new JsonBuilder(budget, () => listener.isSettled !== true, onDone)
  builders.set(taskId, builder)
  return builder
}

/** Drops what was built for a task that failed or was cancelled. @param {number} taskId */
function discard(taskId) {
  if (builders.size === 0) return
  builders.get(taskId)?.discard()
  builders.delete(taskId)
}

completionPort.registerDecoder('jsonText', JSON.parse)
completionPort.registerPartsDecoder({ addPart, discard })
