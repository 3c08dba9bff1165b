'use strict'

module.exports = { cases: require('./request.js').cases }
