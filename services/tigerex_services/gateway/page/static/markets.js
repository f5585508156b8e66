// Which markets there are, which one is shown, and that it is in the address.

import { read } from "./api.js";

const READ_MS = 10_000;
const RETRY_MS = 3_000;
const PATH = "/trade/";

const element = (id) => document.getElementById(id);

export class Markets {
  #select = element("market");
  #notice = element("notice");
  #markets = new Map();
  #shown = null;

  /** `onShow(market)` when another one shall be seen. */
  constructor(onShow) {
    this.onShow = onShow;
    this.#select.addEventListener("change", () => {
      history.pushState(null, "", PATH + this.#select.value);
      this.#open();
    });
    addEventListener("popstate", () => this.#open());
  }

  /** Reads them until there is one, then again and again: states change, markets come. */
  async run() {
    for (;;) {
      const waitMs = await this.#read();
      await new Promise((done) => setTimeout(done, waitMs));
    }
  }

  async #read() {
    let found;
    try {
      found = (await read("/api/v1/markets")).markets;
    } catch (error) {
      if (!this.#shown) this.#say(error.message);
      return RETRY_MS;
    }
    const before = [...this.#markets.keys()].join();
    this.#markets = new Map(found.map((market) => [market.symbol, market]));
    if ([...this.#markets.keys()].join() !== before) this.#list();
    if (!this.#shown) this.#open();
    else this.#tellState();
    return READ_MS;
  }

  #list() {
    const options = [...this.#markets.values()].map((market) => {
      const option = document.createElement("option");
      option.value = market.symbol;
      option.textContent = `${market.base_asset}/${market.quote_asset}`;
      return option;
    });
    this.#select.replaceChildren(...options);
    this.#select.disabled = !options.length;
    if (this.#shown) this.#select.value = this.#shown;
  }

  #open() {
    const { pathname } = location;
    const wanted = pathname.startsWith(PATH) ? pathname.slice(PATH.length) : "";
    const first = this.#markets.keys().next().value;
    if (!first) {
      this.#say("This exchange has no market yet.");
      return;
    }
    if (wanted && !this.#markets.has(wanted)) {
      this.#say(`There is no market ${wanted} here. Choose one above.`);
      this.#select.selectedIndex = -1;
      this.#shown = null;
      return;
    }
    const symbol = wanted || first;
    if (!wanted) history.replaceState(null, "", PATH + symbol);
    this.#select.value = symbol;
    this.#shown = symbol;
    this.#tellState();
    this.onShow(this.#markets.get(symbol));
  }

  #tellState() {
    const market = this.#markets.get(this.#shown);
    if (!market) this.#say(`The market ${this.#shown} is gone. Choose another one above.`);
    else if (market.state === "open") this.#say("");
    else this.#say(`This market is ${market.state}${why(market)}. ${MEANINGS[market.state]}`);
  }

  #say(text) {
    this.#notice.textContent = text;
    this.#notice.hidden = !text;
  }
}

const MEANINGS = {
  halted: "Orders are not matched now.",
  "cancel-only": "Orders can be canceled, not placed.",
  delisting: "It is about to close: orders can be canceled, not placed.",
};

function why(market) {
  if (market.halt_reason === "CIRCUIT_BREAKER") return " by its circuit breaker: the price moved too far";
  return market.halt_reason ? ` (${market.halt_reason})` : "";
}
