'use strict'

module.exports = {
  cases: [...require('./request.js').cases, ...require('./idle.js').cases, ...require('./stack.js').cases]
}
