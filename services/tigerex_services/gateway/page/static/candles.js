// The candles of one market and interval: history by REST, then what changes, by the socket.

import { query, read } from "./api.js";

const HISTORY_MAX = 500;
const STREAMED = new Set(["1s", "1m"]);
const NEWEST = 2; // the one that just closed and the current one
const NEWEST_MS_MIN = 1_000; // between two looks at the newest of an interval without a stream

export class Candles {
  #rows = new Map(); // open_time -> candle
  #ended = false;
  #looking = false;

  /** `onReset(rows)` with everything, oldest first; `onChange(row)`; `onProblem(text or null)`. */
  constructor(socket, market, interval, handlers) {
    this.market = market;
    this.interval = interval;
    this.handlers = handlers;
    const stream = STREAMED.has(interval) ? interval : "1m";
    this.stop = socket.subscribe(
      { channel: "candles", market: market.symbol, interval: stream },
      {
        onStart: () => this.#load(),
        onData: (row) => (row.interval === interval ? this.#take(row) : this.#look()),
      },
    );
  }

  end() {
    this.#ended = true;
    this.stop();
  }

  #read(limit) {
    const asked = query({ interval: this.interval, limit });
    return read(`/api/v1/markets/${this.market.symbol}/candles?${asked}`);
  }

  async #load() {
    try {
      const { candles } = await this.#read(HISTORY_MAX);
      if (this.#ended) return;
      for (const row of candles) this.#keep(row);
      const rows = [...this.#rows.values()];
      rows.sort((one, other) => (one.open_time < other.open_time ? -1 : 1));
      this.handlers.onReset(rows);
      this.handlers.onProblem(rows.length ? null : "No trades yet: the first one starts the chart.");
    } catch (error) {
      if (!this.#ended) this.handlers.onProblem(error.message);
    }
  }

  /** Intervals without a stream of their own: the newest are read again, not more often than that. */
  async #look() {
    if (this.#looking) return;
    this.#looking = true;
    await new Promise((done) => setTimeout(done, NEWEST_MS_MIN));
    try {
      const { candles } = await this.#read(NEWEST);
      if (!this.#ended) candles.forEach((row) => this.#take(row));
    } catch {
      // The next trade looks again.
    } finally {
      this.#looking = false;
    }
  }

  #take(row) {
    if (this.#keep(row)) this.handlers.onChange(row);
  }

  /** False for what is older than what is known: a candle's trades only grow in number. */
  #keep(row) {
    const known = this.#rows.get(row.open_time);
    if (known && known.trades > row.trades) return false;
    this.#rows.set(row.open_time, row);
    return true;
  }
}
