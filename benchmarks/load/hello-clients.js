'use strict'

// Clients of an HTTP server, which cost less than the server, so that it is busy all the time.

const { connect } = require('node:net')
const { answer } = require('../../examples/traps/child.js')

const REQUEST = 'GET /hello HTTP/1.1\r\nhost: localhost\r\n\r\n'

answer({
  /**
   * Sends requests on each connection, one as soon as the last response has arrived, until the process ends.
   * @param {{ port: number, connections: number, end?: string }} load `end`: the text at the end of each response
   */
  start({ port, connections, end = '\r\n\r\nhello' }) {
    for (let i = 0; i < connections; i++) {
      const socket = connect(port, '127.0.0.1', () => socket.write(REQUEST))
      socket.setEncoding('latin1')
      let response = ''
      socket.on('data', part => {
        response += part
        if (!response.endsWith(end)) return
        response = ''
        socket.write(REQUEST)
      })
    }
  }
})
