'use strict'

// Distinct values of about 1 KB when encoded: a customer with orders, as returned by a service.

const ORDERS = 7

/**
 * Returns a new object, parsed from text like a fetched one.
 * @param {number} number
 */
function record(number) {
  const orders = Array.from({ length: ORDERS }, (_, index) => {
    const digits = hex(number, index)
    return `{"number":"order-${digits}","article":"article ${digits} in black","price":${number % 1000}.5,"pieces":${index + 1},"sent":"2024-02-03T04:05:06.${digits}Z"}`
  })
  const digits = hex(number, ORDERS)
  return JSON.parse(
    `{"id":${number},"name":"Customer ${digits}","mail":"${digits}@mail.example.com","street":"${digits} Long Street","town":"Town of ${digits}","orders":[${orders}]}`
  )
}

/**
 * @param {number} number
 * @param {number} index
 */
function hex(number, index) {
  return (Math.imul(number * 16 + index, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
}

module.exports = { record }
