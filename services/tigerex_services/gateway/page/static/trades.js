// The newest trades: those of the past by REST, each new one by the socket.

import { query, read } from "./api.js";
import { clock, places, shown } from "./format.js";
import { eachFrame, makeRows, write } from "./frames.js";

const ROWS = 40;
const CELLS = 3;

export class Trades {
  #rows = makeRows(document.getElementById("trades"), ROWS, CELLS);
  #trades = []; // newest first
  #market = null;
  #stop = null;

  /** `onTrade(trade)` with the newest one whenever it changes. */
  constructor(socket, onTrade) {
    this.socket = socket;
    this.onTrade = onTrade;
    this.redraw = eachFrame(() => this.#draw());
  }

  show(market) {
    this.#stop?.();
    this.#market = market;
    this.#trades = [];
    this.redraw();
    this.#stop = this.socket.subscribe(
      { channel: "trades", market: market.symbol },
      { onStart: () => this.#load(market), onData: (trade) => this.#take([trade]) },
    );
  }

  async #load(market) {
    const target = `/api/v1/markets/${market.symbol}/trades?${query({ limit: ROWS })}`;
    try {
      const { trades } = await read(target);
      if (market === this.#market) this.#take(trades);
    } catch {
      // What was missed while away is not shown; new trades are.
    }
  }

  /** Those known already, by both ways, count once. */
  #take(trades) {
    const known = new Map([...this.#trades, ...trades].map((trade) => [trade.trade_id, trade]));
    const before = this.#trades[0]?.trade_id;
    this.#trades = [...known.values()].sort((one, other) => other.trade_id - one.trade_id).slice(0, ROWS);
    if (this.#trades.length && this.#trades[0].trade_id !== before) this.onTrade(this.#trades[0]);
    this.redraw();
  }

  #draw() {
    const price = places(this.#market.tick_size);
    const quantity = places(this.#market.lot_size);
    this.#rows.forEach((row, index) => {
      const trade = this.#trades[index];
      const [first, second, third] = row.cells;
      write(first, trade ? shown(trade.price, price) : "");
      write(second, trade ? shown(trade.quantity, quantity) : "");
      write(third, trade ? clock(trade.time) : "");
      row.dataset.side = trade?.taker_side ?? "";
    });
  }
}
