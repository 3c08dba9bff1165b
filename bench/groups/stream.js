'use strict'

module.exports = { rows: [...require('./stream/codecs.js').rows, ...require('./stream/digest.js').rows] }
