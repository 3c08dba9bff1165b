'use strict'

module.exports = { rows: [...require('./codecs.js').rows, ...require('./digest.js').rows] }
