// The holder's open orders and balances: read after each of his own actions, and every few seconds.

import { change, query, read } from "./api.js";
import { clock, places, shown, trimmed } from "./format.js";
import { eachFrame } from "./frames.js";

const READ_MS = 3_000;
const ACCOUNT = "main";
// The key is of no use any more: everything else may pass.
const FATAL = new Set(["INVALID_API_KEY", "INVALID_SIGNATURE"]);

const element = (id) => document.getElementById(id);

export class Account {
  #market = null;
  #orders = [];
  #balances = [];
  #canceling = new Set();
  #problem = null;

  /** `onBalances(balances by asset)` whenever they were read. */
  constructor(session, onBalances) {
    this.session = session;
    this.onBalances = onBalances;
    this.redraw = eachFrame(() => this.#draw());
    setInterval(() => !document.hidden && this.refresh(), READ_MS);
  }

  show(market) {
    this.#market = market;
    this.#orders = [];
    this.refresh();
  }

  /** Reads both; another key, or none, shows at once. */
  async refresh() {
    const { signer } = this.session;
    const market = this.#market;
    if (!signer || !market) {
      [this.#orders, this.#balances, this.#problem] = [[], [], null];
      this.#told();
      return;
    }
    try {
      const [orders, accounts] = await Promise.all([
        read(`/api/v1/orders?${query({ market: market.symbol })}`, signer),
        read("/api/v1/accounts", signer),
      ]);
      if (signer !== this.session.signer || market !== this.#market) return;
      this.#orders = orders.orders;
      this.#balances = accounts.accounts.find((row) => row.name === ACCOUNT)?.balances ?? [];
      this.#problem = null;
    } catch (error) {
      if (signer !== this.session.signer) return;
      this.#problem = error.message;
      if (FATAL.has(error.code)) this.session.forget(error.message);
    }
    this.#told();
  }

  #told() {
    this.onBalances(new Map(this.#balances.map((row) => [row.asset, row])));
    this.redraw();
  }

  #draw() {
    const { signer } = this.session;
    const note = (empty) => this.#problem ?? (signer ? empty : null);
    const waiting = (what) => `Your ${what} appear here once you add an API key.`;
    tell("orders-note", note(this.#orders.length ? "" : "No open orders.") ?? waiting("open orders"));
    tell("balances-note", note(this.#balances.length ? "" : "Nothing yet.") ?? waiting("balances"));
    element("orders-count").textContent = this.#orders.length || "";
    sync(element("orders"), this.#orders, (row) => row.order_id, (row) => this.#order(row));
    sync(element("balances"), this.#balances, (row) => row.asset, balanceCells);
  }

  #order(row) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "cancel";
    button.textContent = "Cancel";
    button.disabled = this.#canceling.has(row.order_id);
    button.setAttribute("aria-label", `Cancel: ${row.side} ${row.quantity} at ${row.price ?? "market"}`);
    button.addEventListener("click", () => this.#cancel(row));
    const digits = places(this.#market.tick_size);
    return [
      row.created_at ? clock(row.created_at) : "–",
      row.side,
      row.type.replaceAll("-", " "),
      row.price ? shown(row.price, digits) : "market",
      trimmed(row.quantity),
      trimmed(row.filled_quantity),
      button,
    ];
  }

  async #cancel(row) {
    this.#canceling.add(row.order_id);
    this.redraw();
    try {
      await change("DELETE", `/api/v1/orders/${row.order_id}`, this.session.signer);
    } catch (error) {
      element("order-result").textContent = error.message;
      element("order-result").dataset.state = "refused";
    }
    this.#canceling.delete(row.order_id);
    await this.refresh();
  }
}

function balanceCells(row) {
  return [row.asset, shown(trimmed(row.available)), shown(trimmed(row.held))];
}

function tell(id, text) {
  element(id).textContent = text;
  element(id).hidden = !text;
}

/** Brings the rows of a table to `items`; rows that stay keep their place and their focus. */
function sync(body, items, keyOf, cellsOf) {
  const known = new Map([...body.rows].map((row) => [row.dataset.key, row]));
  items.forEach((item, index) => {
    const key = String(keyOf(item));
    const cells = cellsOf(item);
    const row = known.get(key) ?? document.createElement("tr");
    known.delete(key);
    if (item.side) row.dataset.side = item.side;
    if (body.rows[index] !== row) body.insertBefore(row, body.rows[index] ?? null);
    if (row.dataset.key !== key) {
      row.dataset.key = key;
      row.replaceChildren(...cells.map((cell) => filled(cell)));
      return;
    }
    cells.forEach((cell, at) => {
      if (typeof cell !== "string") row.cells[at].firstChild.disabled = cell.disabled;
      else if (row.cells[at].textContent !== cell) row.cells[at].textContent = cell;
    });
  });
  for (const row of known.values()) row.remove();
}

function filled(content) {
  const cell = document.createElement("td");
  cell.append(content);
  return cell;
}
