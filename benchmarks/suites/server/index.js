'use strict'

module.exports = { rows: require('./overload.js').rows }
