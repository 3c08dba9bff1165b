'use strict'

// The module lane: JavaScript of users, in worker threads under the permits of a pool. What runs the threads is loaded when a task
// first needs one.

const { Errand, weightOf } = require('./lane/errand')
const { readWorkerOptions } = require('./lane/options')
const { ModuleTransform, ScriptTransform, module: module_, workerScript } = require('./lane/transform')

/** @type {typeof import('./lane/lane').Lane | undefined} */
let Lane
/** @type {typeof import('./lane/script-lane').ScriptLane | undefined} */
let ScriptLane

module.exports = {
  Errand,
  get Lane() {
    Lane ??= require('./lane/lane').Lane
    return Lane
  },
  ModuleTransform,
  get ScriptLane() {
    ScriptLane ??= require('./lane/script-lane').ScriptLane
    return ScriptLane
  },
  ScriptTransform,
  module: module_,
  readWorkerOptions,
  weightOf,
  workerScript
}
