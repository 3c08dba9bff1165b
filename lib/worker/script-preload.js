'use strict'

// Runs in a worker thread before a user's script. Node.js cannot pass an uncaught DOMException to the parent thread, so it is
// turned into an error with own properties, from which lib/worker/script-runner.js restores it.

// Describes the script to offloop in this thread, as lib/worker/worker-main.js does.
Object.defineProperty(globalThis, Symbol.for('offloop.function'), { value: { progress: () => 1 } })

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
