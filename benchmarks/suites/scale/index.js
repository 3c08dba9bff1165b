'use strict'

module.exports = {
  cases: [
    ...require('./entries.js').cases,
    ...require('./cache-threads.js').cases,
    ...require('./queued-tasks.js').cases
  ]
}
