'use strict'

// JavaScript of users in worker threads, under the permits of a pool. The runners are loaded when a task
// first needs one.

const { WorkerTask, byteSizeOf } = require('./worker-task')
const { readWorkerOptions } = require('./options')
const { ModuleTransform, ScriptTransform, module: module_, workerScript } = require('./transform')

/** @type {typeof import('./module-runner').ModuleRunner | undefined} */
let ModuleRunner
/** @type {typeof import('./script-runner').ScriptRunner | undefined} */
let ScriptRunner

module.exports = {
  WorkerTask,
  get ModuleRunner() {
    ModuleRunner ??= require('./module-runner').ModuleRunner
    return ModuleRunner
  },
  ModuleTransform,
  get ScriptRunner() {
    ScriptRunner ??= require('./script-runner').ScriptRunner
    return ScriptRunner
  },
  ScriptTransform,
  module: module_,
  readWorkerOptions,
  byteSizeOf,
  workerScript
}
