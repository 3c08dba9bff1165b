'use strict'

// An audit log that writes its records without waiting for the disk.

const { createWriteStream } = require('node:fs')
const http = require('node:http')
const { devNull } = require('node:os')

const RECORDS = 300
const record = Buffer.alloc(8192, 'record\n')
const log = createWriteStream(devNull)

function audit() {
  for (let index = 0; index < RECORDS; index++) log.write(record) // guilty
}

const server = http.createServer((_request, response) => {
  audit()
  response.end('ok')
})
server.listen(Number(process.env.PORT ?? 0))
