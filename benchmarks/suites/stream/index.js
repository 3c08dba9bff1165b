'use strict'

module.exports = { cases: [...require('./codecs.js').cases, ...require('./digest.js').cases] }
