'use strict'

// The only importer of the generated loader.
module.exports = require('./binding.js')
