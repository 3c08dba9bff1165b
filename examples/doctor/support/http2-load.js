'use strict'

// Requests over HTTP/2 to OFFLOOP_URL for OFFLOOP_SECONDS (8 by default): on one connection, some at a time.

const http2 = require('node:http2')

const STREAMS = 20
const seconds = Number(process.env.OFFLOOP_SECONDS ?? 8)
const session = http2.connect(process.env.OFFLOOP_URL ?? '')
const end = performance.now() + seconds * 1000

/** @returns {Promise<void>} */
function request() {
  return new Promise((resolve, reject) => {
    session.request({ ':path': '/' }).resume().once('close', resolve).once('error', reject)
  })
}

async function repeat() {
  while (performance.now() < end) await request()
}

async function main() {
  await Promise.all(Array.from({ length: STREAMS }, repeat))
  session.close()
}

main()
