// Order entry: what is typed goes to the exchange as it is, which decides and says why not.

import { change } from "./api.js";
import { multiply, parse, shown, toText, trimmed } from "./format.js";

const element = (id) => document.getElementById(id);

export class Entry {
  #form = element("order");
  #result = element("order-result");
  #button = element("place");
  #market = null;
  #balances = new Map();

  /** `onPlaced()` after an order was taken. */
  constructor(session, onPlaced) {
    this.session = session;
    this.onPlaced = onPlaced;
    this.#form.addEventListener("input", () => this.redraw());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.session.signer) this.#place();
      else this.session.ask();
    });
  }

  show(market) {
    this.#market = market;
    this.#form.reset();
    this.#say("");
    const { price, quantity } = this.#form.elements;
    price.placeholder = `step ${market.tick_size}`;
    quantity.placeholder = `step ${market.lot_size}`;
    this.redraw();
  }

  pick(price) {
    const { type, price: field } = this.#form.elements;
    type.value = "limit";
    field.value = price;
    this.redraw();
  }

  has(balances) {
    this.#balances = balances;
    this.redraw();
  }

  redraw() {
    if (!this.#market) return;
    const { side, type, price, quantity, post_only: postOnly } = this.#form.elements;
    const { base_asset: base, quote_asset: quote } = this.#market;
    const limit = type.value === "limit";
    price.disabled = !limit;
    postOnly.disabled = !limit;
    this.#form.dataset.side = side.value;
    const [at, many] = [parse(price.value), parse(quantity.value)];
    const total = limit && at && many ? trimmed(toText(multiply(at, many))) : null;
    element("total").textContent = total ? `${shown(total)} ${quote}` : limit ? "–" : "at market";
    const spent = side.value === "buy" ? quote : base;
    const free = this.#balances.get(spent)?.available;
    element("available").textContent = free ? `${shown(trimmed(free))} ${spent}` : "–";
    const verb = side.value === "buy" ? "Buy" : "Sell";
    this.#button.textContent = this.session.signer ? `${verb} ${base}` : "Add an API key to trade";
  }

  async #place() {
    const { side, type, price, quantity, post_only: postOnly } = this.#form.elements;
    const limit = type.value === "limit";
    const order = {
      market: this.#market.symbol,
      side: side.value,
      type: type.value,
      quantity: quantity.value.trim(),
      ...(limit ? { price: price.value.trim(), post_only: postOnly.checked } : {}),
    };
    this.#button.disabled = true;
    this.#say("Placing…");
    try {
      const { order: placed } = await change("POST", "/api/v1/orders", this.session.signer, order);
      this.#say(`Order ${placed.order_id}: ${placed.status.replaceAll("-", " ")}`, "done");
    } catch (error) {
      this.#say(error.message, "refused");
    } finally {
      this.#button.disabled = false;
    }
    this.onPlaced();
  }

  #say(text, state = "") {
    this.#result.textContent = text;
    this.#result.dataset.state = state;
  }
}
