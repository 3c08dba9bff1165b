'use strict'

module.exports = { cases: [...require('./overload.js').cases, ...require('./ping.js').cases] }
