'use strict'

// The work of trap 8: the cities nearest to one, both as a script for `new Worker()` and as a function.

const { isMainThread, parentPort, workerData } = require('node:worker_threads')

/** @typedef {{ name: string, lat: string, lng: string }} City */

/**
 * @param {{ city: City, among: City[] }} input
 * @returns {string[]}
 */
function nearest({ city, among }) {
  const distances = among.map(other => ({ name: other.name, distance: distance(city, other) }))
  distances.sort((one, other) => one.distance - other.distance)
  return distances.slice(0, 10).map(({ name }) => name)
}

/**
 * Great-circle distance in radians.
 * @param {City} one
 * @param {City} other
 */
function distance(one, other) {
  const [lat1, lng1, lat2, lng2] = [one.lat, one.lng, other.lat, other.lng].map(
    degrees => (Number(degrees) * Math.PI) / 180
  )
  const a = Math.sin((lat2 - lat1) / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin((lng2 - lng1) / 2) ** 2
  return 2 * Math.asin(Math.sqrt(a))
}

// As the script of a worker thread.
if (!isMainThread && workerData?.among !== undefined) parentPort?.postMessage(nearest(workerData))

module.exports = nearest
