// The header: the last price as it changes, and what happened in the last 24 hours.

import { read } from "./api.js";
import { parse, places, shown, subtract } from "./format.js";
import { write } from "./frames.js";

const READ_MS = 5_000;
const VOLUME_PLACES = 2;

const element = (id) => document.getElementById(id);

export class Statistics {
  #market = null;
  #last = null;
  #open = null;
  #high = null;
  #low = null;

  constructor() {
    setInterval(() => !document.hidden && this.#market && this.#read(this.#market), READ_MS);
  }

  show(market) {
    this.#market = market;
    this.#last = market.last_price;
    [this.#open, this.#high, this.#low] = [null, null, null];
    write(element("volume"), "–");
    write(element("quote-volume"), "–");
    this.#drawPrice();
    this.#read(market);
  }

  traded(trade) {
    this.#last = trade.price;
    if (isMore(trade.price, this.#high)) this.#high = trade.price;
    if (isMore(this.#low, trade.price)) this.#low = trade.price;
    this.#drawPrice();
  }

  async #read(market) {
    let found;
    try {
      found = await read(`/api/v1/markets/${market.symbol}/statistics`);
    } catch {
      return; // read again soon; the connection's state is shown elsewhere
    }
    if (market !== this.#market) return;
    [this.#open, this.#high, this.#low] = [found.open, found.high, found.low];
    write(element("volume"), shown(found.volume || "0", VOLUME_PLACES));
    write(element("quote-volume"), shown(found.quote_volume || "0", VOLUME_PLACES));
    this.#drawPrice();
  }

  #drawPrice() {
    const market = this.#market;
    const price = (value) => (value ? shown(value, places(market.tick_size)) : "–");
    const text = price(this.#last);
    write(element("last"), text);
    write(element("high"), price(this.#high));
    write(element("low"), price(this.#low));
    const change = element("change");
    if (this.#last && this.#open) {
      const percent = (Number(this.#last) / Number(this.#open) - 1) * 100;
      write(change, `${percent < 0 ? "−" : "+"}${Math.abs(percent).toFixed(2)} %`);
      change.dataset.side = percent < 0 ? "sell" : "buy";
      element("last").dataset.side = change.dataset.side;
    } else {
      write(change, "–");
    }
    const pair = `${market.base_asset}/${market.quote_asset}`;
    document.title = `${text} ${pair} · ${document.body.dataset.name}`;
  }
}

/** False where either is not known. */
function isMore(one, other) {
  return Boolean(one && other) && subtract(parse(one), parse(other)).units > 0n;
}
