'use strict'

// The module lane: JavaScript of users, in worker threads under the permits of a pool. What runs the threads is loaded when a task
// first needs one.

const { Errand, weightOf } = require('./worker-task')
const { readWorkerOptions } = require('./options')
const { ModuleTransform, ScriptTransform, module: module_, workerScript } = require('./transform')

/** @type {typeof import('./module-runner').Lane | undefined} */
let Lane
/** @type {typeof import('./script-runner').ScriptLane | undefined} */
let ScriptLane

module.exports = {
  Errand,
  get Lane() {
    Lane ??= require('./module-runner').Lane
    return Lane
  },
  ModuleTransform,
  get ScriptLane() {
    ScriptLane ??= require('./script-runner').ScriptLane
    return ScriptLane
  },
  ScriptTransform,
  module: module_,
  readWorkerOptions,
  weightOf,
  workerScript
}
