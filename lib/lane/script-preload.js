'use strict'

// Runs in a worker thread before a user's script. Node.js carries no DOMException to the thread that started this one; as an error
// with properties of its own it arrives, and lib/lane/script-lane.js makes a DOMException of it again.

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
