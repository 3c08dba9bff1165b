'use strict'

module.exports = { cases: require('./overload.js').cases }
