// A race in TypeScript, compiled by tsc to CommonJS: the guilty line is that of the source.

import { createServer } from 'node:http'
import { connect } from 'slow-database'

interface Price {
  product: string
  rows: number[]
}

enum Currency {
  Euro = 'EUR',
  Dollar = 'USD'
}

const database = connect()

class Prices {
  private readonly known = new Map<string, Price>()

  constructor(private readonly currency: Currency) {}

  async of(product: string): Promise<Price> {
    let price = this.known.get(product)
    if (price === undefined) {
      const { rows } = await database.query(`${this.currency}:${product}`)
      price = { product, rows }
      this.known.set(product, price) // guilty
    }
    return price
  }

  expire(): void {
    this.known.clear()
  }
}

const prices = new Prices(Currency.Euro)

setInterval(() => prices.expire(), 250)

const server = createServer(async (request, response) => {
  const price: Price = await prices.of(request.url ?? '')
  response.end(JSON.stringify(price))
})
server.listen(Number(process.env.PORT ?? 0))
