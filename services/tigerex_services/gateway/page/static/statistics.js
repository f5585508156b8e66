// The header: the last price as it changes, and what happened in the last 24 hours.

import { read } from "./api.js";
import { places, shown } from "./format.js";
import { write } from "./frames.js";

const READ_MS = 5_000;
const VOLUME_PLACES = 2;

const element = (id) => document.getElementById(id);

export class Statistics {
  #market = null;
  #last = null;
  #open = null;

  constructor() {
    setInterval(() => !document.hidden && this.#market && this.#read(this.#market), READ_MS);
  }

  show(market) {
    this.#market = market;
    this.#last = market.last_price;
    this.#open = null;
    for (const id of ["high", "low", "volume", "quote-volume"]) write(element(id), "–");
    this.#drawPrice();
    this.#read(market);
  }

  traded(trade) {
    this.#last = trade.price;
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
    const digits = places(market.tick_size);
    this.#open = found.open;
    write(element("high"), found.high ? shown(found.high, digits) : "–");
    write(element("low"), found.low ? shown(found.low, digits) : "–");
    write(element("volume"), shown(found.volume || "0", VOLUME_PLACES));
    write(element("quote-volume"), shown(found.quote_volume || "0", VOLUME_PLACES));
    this.#drawPrice();
  }

  #drawPrice() {
    const market = this.#market;
    const text = this.#last ? shown(this.#last, places(market.tick_size)) : "–";
    write(element("last"), text);
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
