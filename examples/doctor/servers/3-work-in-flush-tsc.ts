// An export whose stream sorts all rows once the last one has come. Compiled by tsc.

import http from 'node:http'
import { Readable, Transform, type TransformCallback } from 'node:stream'
import { pipeline } from 'node:stream/promises'

interface Order {
  id: number
  customer: string
}

function* orders(): Generator<Order> {
  for (let id = 0; id < 4000; id++) yield { id, customer: `Customer ${(id * 7919) % 4001}` }
}

class SortedOrders extends Transform {
  private readonly rows: Order[] = []

  constructor() {
    super({ writableObjectMode: true })
  }

  override _transform(order: Order, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.rows.push(order)
    callback()
  }

  override _flush(callback: TransformCallback): void {
    this.rows.sort((a, b) => a.customer.localeCompare(b.customer, 'de', { numeric: true })) // guilty
    callback(null, JSON.stringify(this.rows.slice(0, 10)))
  }
}

const server = http.createServer((_request, response) => {
  pipeline(Readable.from(orders()), new SortedOrders(), response).catch(() => response.destroy())
})
server.listen(Number(process.env.PORT ?? 0))
