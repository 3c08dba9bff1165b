'use strict'

module.exports = { rows: [...require('./catalogue/json.js').rows, ...require('./catalogue/bytes.js').rows] }
