'use strict'

module.exports = { rows: [...require('./json.js').rows, ...require('./bytes.js').rows] }
