'use strict'

// node hello-server.js <watcher>: an HTTP server that answers each request immediately.

const { WATCHERS } = require('../contenders/watchers.js')
const { serve } = require('./measured-server.js')

serve(response => response.end('hello'))
WATCHERS[process.argv[2]](() => {})
