'use strict'

// What is told about tasks and loads, to whoever subscribes. Without subscribers it is one look at a property.

const { tracingChannel } = require('node:diagnostics_channel')

const tasks = tracingChannel('offloop:task')
const loads = tracingChannel('offloop:load')

module.exports = { tasks, loads }
