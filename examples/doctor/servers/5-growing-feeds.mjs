// A feed for each team: the teams are few, and their feeds only grow. The line that adds knows the array by another name.

import http from 'node:http'

/** @type {Map<string, object[]>} */
const feeds = new Map()

/**
 * @param {string} team
 * @param {object} entry
 */
function append(team, entry) {
  const feed = feeds.get(team) ?? []
  if (!feeds.has(team)) feeds.set(team, feed)
  feed.push(entry) // guilty
  return feed.length
}

const server = http.createServer((request, response) => {
  const entry = {
    at: new Date(),
    agent: request.headers['user-agent'],
    places: Array.from({ length: 20 }, Math.random)
  }
  const length = append(request.url ?? '', entry)
  setTimeout(() => response.end(String(length)), 2)
})
server.listen(Number(process.env.PORT ?? 0))
