'use strict'

// Runs in a worker thread before a user's script. Node.js cannot pass an uncaught DOMException to the parent thread. It is passed as
// an error with own properties instead, from which lib/worker/script-runner.js restores the DOMException.

process.on('uncaughtExceptionMonitor', error => {
  if (!(error instanceof DOMException)) return
  const { name, message, stack } = error
  Object.defineProperties(error, {
    [Symbol.toStringTag]: { value: 'Error' },
    name: { value: name },
    message: { value: message },
    stack: { value: stack },
    isDOMException: { value: true }
  })
})
