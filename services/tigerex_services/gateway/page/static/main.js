// Puts the parts together.

import { Account } from "./account.js";
import { Book } from "./book.js";
import { Chart } from "./chart.js";
import { Entry } from "./entry.js";
import { Markets } from "./markets.js";
import { Session } from "./session.js";
import { Socket } from "./socket.js";
import { Statistics } from "./statistics.js";
import { Trades } from "./trades.js";

const connection = document.getElementById("connection");

const socket = new Socket((state, text) => {
  connection.dataset.state = state;
  connection.textContent = text;
  document.body.dataset.state = state; // what is shown may be old while it is away
});
const session = new Session(() => {
  account.refresh();
  entry.redraw();
});
const entry = new Entry(session, () => account.refresh());
const account = new Account(session, (balances) => entry.has(balances));
const statistics = new Statistics();
const book = new Book(socket, (price) => entry.pick(price));
const trades = new Trades(socket, (trade) => {
  statistics.traded(trade);
  book.traded(trade);
});
const chart = new Chart(socket);

const markets = new Markets((market) => {
  for (const element of document.querySelectorAll("[data-asset]")) {
    element.textContent = market[`${element.dataset.asset}_asset`];
  }
  for (const part of [statistics, book, trades, chart, entry, account]) part.show(market);
});

socket.connect();
await Promise.all([chart.prepare(), session.restore()]);
markets.run();
