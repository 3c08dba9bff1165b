'use strict'

// An archive of events, which are compressed by many: few long calls beside many short requests.

const http = require('node:http')
const { Writable } = require('node:stream')
const { brotliCompressSync } = require('node:zlib')

const MOST = 1500

class Archive extends Writable {
  bytes = 0

  constructor() {
    super({ objectMode: true, highWaterMark: MOST })
  }

  /**
   * @param {{ chunk: object }[]} entries
   * @param {() => void} done
   */
  _writev(entries, done) {
    const text = entries.map(({ chunk }) => JSON.stringify(chunk)).join('\n')
    this.bytes += brotliCompressSync(text).length // guilty
    setTimeout(done, 50)
  }
}

const archive = new Archive()

const server = http.createServer((request, response) => {
  const event = { at: new Date(), headers: request.headers, trace: Array.from({ length: 60 }, Math.random) }
  if (archive.writableLength < MOST) archive.write(event)
  setTimeout(() => response.end('stored'), 5)
})
server.listen(Number(process.env.PORT ?? 0))
