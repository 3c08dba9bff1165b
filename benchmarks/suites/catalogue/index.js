'use strict'

module.exports = { cases: [...require('./json.js').cases, ...require('./bytes.js').cases] }
