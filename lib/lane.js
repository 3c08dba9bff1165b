'use strict'

// The module lane: JavaScript of users, in worker threads under the permits of a pool.

const { Errand, weightOf } = require('./lane/errand')
const { Lane } = require('./lane/lane')
const { readWorkerOptions } = require('./lane/options')
const { ScriptLane } = require('./lane/script-lane')
const { ModuleTransform, ScriptTransform, module: module_, workerScript } = require('./lane/transform')

module.exports = {
  Errand,
  Lane,
  ModuleTransform,
  ScriptLane,
  ScriptTransform,
  module: module_,
  readWorkerOptions,
  weightOf,
  workerScript
}
