'use strict'

const { checkAttached, maxInputBytes } = require('../task/input')
const worker = require('../worker')
const { NumericTask, NumericTransform } = require('./numeric')
const { ChainTransform, ChainTask } = require('./chain')
const { StringifyTask, StringifyTransform } = require('./json-stringify')
const { Task } = require('../task/task')
const { Transform } = require('../native/transform')

const { ModuleTransform, ScriptTransform, WorkerTask, byteSizeOf } = worker

/**
 * Whatever a transform is: what runs one input of it.
 * @typedef {Task | import('../worker/worker-task').WorkerTask | ChainTask | import('./numeric').NumericTask} AnyTask
 */

/**
 * A task for one input. Throws a TypeError if there is no such transform.
 * @param {unknown} transform
 * @param {import('../task/contract').TaskPool} pool
 * @param {number} priority
 * @param {(value: any, micros?: number) => void} resolve
 * @param {(reason: unknown) => void} reject
 * @param {{ stack?: string } | undefined} caller
 * @returns {AnyTask}
 */
function taskOf(transform, pool, priority, resolve, reject, caller) {
  if (ModuleTransform.is(transform)) {
    return new WorkerTask(pool, pool.runner(worker.ModuleRunner), transform, priority, resolve, reject, caller)
  }
  if (ScriptTransform.is(transform)) {
    return new WorkerTask(pool, pool.runner(worker.ScriptRunner), transform, priority, resolve, reject, caller)
  }
  if (ChainTransform.is(transform)) {
    /** @type {import('./chain').StartTask} */
    const start = (part, resolve, reject) => taskOf(part, pool, priority, resolve, reject, caller)
    return new ChainTask(pool, ChainTransform.steps(transform), start, resolve, reject)
  }
  if (StringifyTransform.is(transform)) return new StringifyTask(pool, priority, resolve, reject, caller)
  if (NumericTransform.is(transform)) return new NumericTask(pool, transform, priority, resolve, reject, caller)
  Transform.handle(transform)
  return new Task(pool, priority, resolve, reject, caller)
}

/** Those that native code does not run by itself. */
const KINDS = [ModuleTransform, ScriptTransform, ChainTransform, NumericTransform, StringifyTransform]

/** Throws a TypeError if it is no transform. @param {unknown} transform */
function checkTransform(transform) {
  if (!KINDS.some(Kind => Kind.is(transform))) Transform.handle(transform)
}

/** Whether native code runs it, on bytes. @param {unknown} transform */
function isNative(transform) {
  return Transform.is(transform)
}

/**
 * The bytes that an input needs at most.
 * @param {unknown} transform
 * @param {unknown} input
 * @param {number} [index] of the input, if it is one of many
 */
function sizeOf(transform, input, index) {
  const first = firstOf(transform)
  if (NumericTransform.is(first)) NumericTransform.arrayNameOf(first, input, index)
  else if (!isNative(first)) {
    checkAttached(input, index)
    return byteSizeOf(input)
  }
  return maxInputBytes(input, index)
}

/** Whether it takes bytes, or text, whatever else it takes. @param {unknown} transform */
function takesBytes(transform) {
  const first = firstOf(transform)
  return !(NumericTransform.is(first) || StringifyTransform.is(first))
}

/** @param {unknown} transform */
function firstOf(transform) {
  return ChainTransform.is(transform) ? ChainTransform.steps(transform)[0] : transform
}

/** With so many tasks under way nobody's call is noted down: it would cost more than all the rest of a small one. */
const MANY = 64

/**
 * Whether it is worth noting where a task was submitted: it may fail, and there are not too many of them.
 * @param {any} transform
 * @param {import('../task/contract').TaskPool} pool
 */
function wantsCaller(transform, pool) {
  return isNative(transform) ? Transform.canFail(transform) : pool.tasksInFlight < MANY
}

module.exports = { checkTransform, taskOf, isNative, wantsCaller, sizeOf, takesBytes }
