'use strict'

module.exports = {
  cases: [...require('./no-op.js').cases, ...require('./work.js').cases, ...require('./interference.js').cases]
}
