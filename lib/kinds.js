'use strict'

const { inputSize } = require('./input')
const { Errand, weightOf } = require('./lane/errand')
const { Lane } = require('./lane/lane')
const { ScriptLane } = require('./lane/script-lane')
const { ModuleTransform, ScriptTransform } = require('./lane/transform')
const { Task } = require('./task')
const { Transform } = require('./transforms')

/**
 * Whatever a transform is: what runs one input of it.
 * @typedef {Task | Errand} AnyTask
 */

/**
 * A task for one input. Throws a TypeError if there is no such transform.
 * @param {unknown} transform
 * @param {import('./pool-handle').PoolHandle} pool
 * @param {number} priority
 * @param {(value: any, micros?: number) => void} resolve
 * @param {(reason: unknown) => void} reject
 * @param {{ stack?: string } | undefined} caller
 * @returns {AnyTask}
 */
function taskOf(transform, pool, priority, resolve, reject, caller) {
  if (transform instanceof ModuleTransform) {
    return new Errand(pool, pool.lane(Lane), transform, priority, resolve, reject, caller)
  }
  if (transform instanceof ScriptTransform) {
    return new Errand(pool, pool.lane(ScriptLane), transform, priority, resolve, reject, caller)
  }
  Transform.number(transform)
  return new Task(pool, priority, resolve, reject, caller)
}

/** Throws a TypeError if it is no transform. @param {unknown} transform */
function checkTransform(transform) {
  const isOurs = transform instanceof ModuleTransform || transform instanceof ScriptTransform
  if (!isOurs) Transform.number(transform)
}

/** Whether native code runs it, on bytes. @param {unknown} transform */
function isNative(transform) {
  return transform instanceof Transform
}

/**
 * The bytes that an input needs at most.
 * @param {unknown} transform
 * @param {unknown} input
 */
function sizeOf(transform, input) {
  return isNative(transform) ? inputSize(input) : weightOf(input)
}

/** Whether an input of the right type can make it fail. @param {any} transform */
function canFail(transform) {
  return !isNative(transform) || Transform.canFail(transform)
}

module.exports = { checkTransform, taskOf, isNative, canFail, sizeOf }
