'use strict'

// n1: nothing to find.

const http = require('node:http')

const server = http.createServer((_request, response) => response.end('hello'))
server.listen(Number(process.env.PORT ?? 0))
