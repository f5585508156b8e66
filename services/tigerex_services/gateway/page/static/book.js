// The order book: 20 levels a side, the best next to the middle, with bars of the summed quantity.

import { add, parse, places, share, shown, subtract, toText } from "./format.js";
import { eachFrame, makeRows, write } from "./frames.js";

const LEVELS = 20;
const CELLS = 3;
const NOTHING = { units: 0n, scale: 0 };

export class Book {
  #asks = makeRows(document.getElementById("asks"), LEVELS, CELLS).reverse(); // the best is lowest
  #bids = makeRows(document.getElementById("bids"), LEVELS, CELLS);
  #middle = document.getElementById("middle-price");
  #spread = document.getElementById("spread");
  #market = null;
  #book = { bids: [], asks: [] };
  #last = null;
  #stop = null;

  /** `onPick(price)` when a level is chosen. */
  constructor(socket, onPick) {
    this.socket = socket;
    this.redraw = eachFrame(() => this.#draw());
    document.getElementById("book").addEventListener("click", (event) => {
      const price = event.target.closest("tr")?.dataset.price;
      if (price) onPick(price);
    });
  }

  show(market) {
    this.#stop?.();
    this.#market = market;
    this.#last = null;
    this.#take({ bids: [], asks: [] });
    this.#stop = this.socket.subscribe(
      { channel: "book", market: market.symbol },
      { onData: (book) => this.#take(book) },
    );
  }

  /** The newest trade stands in the middle. */
  traded(trade) {
    this.#last = trade;
    this.redraw();
  }

  #take(book) {
    this.#book = book;
    this.redraw();
  }

  #draw() {
    const { bids, asks } = this.#book;
    const sums = [bids, asks].map((levels) => summed(levels.slice(0, LEVELS)));
    const [bidTotal, askTotal] = sums.map((side) => side.at(-1) ?? NOTHING);
    const most = subtract(bidTotal, askTotal).units > 0n ? bidTotal : askTotal;
    this.#drawSide(this.#bids, bids, sums[0], most);
    this.#drawSide(this.#asks, asks, sums[1], most);
    const digits = places(this.#market.tick_size);
    write(this.#middle, this.#last ? shown(this.#last.price, digits) : "–");
    this.#middle.dataset.side = this.#last?.taker_side ?? "";
    write(this.#spread, bids.length && asks.length ? `Spread ${this.#gap()}` : "–");
  }

  #gap() {
    const { bids, asks } = this.#book;
    const gap = toText(subtract(parse(asks[0].price), parse(bids[0].price)));
    return shown(gap, places(this.#market.tick_size));
  }

  #drawSide(rows, levels, sums, most) {
    const price = places(this.#market.tick_size);
    const quantity = places(this.#market.lot_size);
    rows.forEach((row, index) => {
      const level = levels[index];
      const [first, second, third] = row.cells;
      write(first, level ? shown(level.price, price) : "");
      write(second, level ? shown(level.quantity, quantity) : "");
      write(third, level ? shown(toText(sums[index]), quantity) : "");
      row.style.setProperty("--depth", level ? share(sums[index], most) : 0);
      if (level) row.dataset.price = level.price;
      else delete row.dataset.price;
    });
  }
}

function summed(levels) {
  let sum = NOTHING;
  return levels.map((level) => (sum = add(sum, parse(level.quantity))));
}
