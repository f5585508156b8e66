// Draws candles and volumes with TradingView's Lightweight Charts.

import { Candles } from "./candles.js";
import { millis, places, shown, trimmed } from "./format.js";

const INTERVALS = ["1s", "1m", "5m", "1h", "1d"];
const INTERVAL_FIRST = "1m";
const VOLUME_SHARE = 0.18; // of the chart's height
const BARS_AT_START = 90;

function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The library's axis is in UTC: local time is UTC moved by the zone's offset of today. One offset
// for all, because times must grow, also over the night in which clocks are put back.
const OFFSET_S = -new Date().getTimezoneOffset() * 60;

function localSeconds(time) {
  return Math.floor(millis(time) / 1000) + OFFSET_S;
}

export class Chart {
  #element = document.getElementById("chart");
  #note = document.getElementById("chart-note");
  #legend = document.getElementById("legend");
  #market = null;
  #candles = null;
  #interval = INTERVAL_FIRST;
  #newest = null;
  #placed = false; // whether the newest candles were brought into view

  constructor(socket) {
    this.socket = socket;
    this.#addIntervals();
  }

  /** Loads the library; where it is missing, everything but the chart works. */
  async prepare() {
    try {
      this.library = await import("./lightweight-charts.js");
    } catch {
      this.#say(
        "The chart's library is missing in this build. Build it where npm's registry can be " +
          "reached (uv sync --reinstall-package tigerex), and restart the gateway.",
      );
      return;
    }
    const { createChart, CandlestickSeries, HistogramSeries } = this.library;
    this.chart = createChart(this.#element, {
      autoSize: true,
      // The logo would need a style that this page's policy refuses: the footer has the notice.
      layout: { attributionLogo: false },
    });
    this.series = this.chart.addSeries(CandlestickSeries, {});
    this.volumes = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "volume" },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 1 - VOLUME_SHARE, bottom: 0 } });
    this.chart.subscribeCrosshairMove((at) => this.#explain(at.seriesData.get(this.series)?.row));
    this.#paint();
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#paint());
  }

  show(market) {
    this.#market = market;
    this.#element.setAttribute("aria-label", `Candles of ${market.symbol}, ${this.#interval}`);
    if (!this.chart) return;
    this.#candles?.end();
    this.#clear();
    const precision = places(market.tick_size);
    const minMove = Number(market.tick_size);
    this.series.applyOptions({ priceFormat: { type: "price", precision, minMove } });
    this.chart.applyOptions({ timeScale: { secondsVisible: this.#interval === "1s" } });
    this.#candles = new Candles(this.socket, market, this.#interval, {
      onReset: (rows) => this.#reset(rows),
      onChange: (row) => this.#change(row),
      onProblem: (text) => this.#say(text),
    });
  }

  #clear() {
    this.series.setData([]);
    this.volumes.setData([]);
    this.#newest = null;
    this.#placed = false;
    this.#explain();
  }

  #reset(rows) {
    this.series.setData(rows.map((row) => this.#bar(row)));
    this.volumes.setData(rows.map((row) => this.#volume(row)));
    this.#newest = rows.at(-1) ?? null;
    this.#explain();
    if (!this.#placed && rows.length) {
      this.#placed = true;
      const range = { from: rows.length - BARS_AT_START, to: rows.length + 4 };
      this.chart.timeScale().setVisibleLogicalRange(range);
    }
  }

  #change(row) {
    // Before the history is there, the row waits in it.
    if (this.#newest && row.open_time < this.#newest.open_time) return;
    this.series.update(this.#bar(row));
    this.volumes.update(this.#volume(row));
    this.#newest = row;
    this.#say(null);
    this.#explain();
  }

  // A picture's coordinates are the one place where prices become floats.
  #bar(row) {
    return {
      time: localSeconds(row.open_time),
      open: Number(row.open),
      high: Number(row.high),
      low: Number(row.low),
      close: Number(row.close),
      row,
    };
  }

  #volume(row) {
    const rose = Number(row.close) >= Number(row.open);
    return {
      time: localSeconds(row.open_time),
      value: Number(row.volume),
      color: color(rose ? "--up-soft" : "--down-soft"),
    };
  }

  /** The candle under the pointer in words, else the newest. */
  #explain(row = this.#newest) {
    if (!row) {
      this.#legend.textContent = "";
      return;
    }
    const digits = places(this.#market.tick_size);
    const parts = ["open", "high", "low", "close"].map((name) => {
      const part = document.createElement("span");
      part.textContent = `${name[0].toUpperCase()} ${shown(row[name], digits)}`;
      return part;
    });
    const volume = document.createElement("span");
    volume.textContent = `V ${trimmed(row.volume)}`;
    this.#legend.replaceChildren(...parts, volume);
    this.#legend.dataset.side = Number(row.close) >= Number(row.open) ? "buy" : "sell";
  }

  #say(text) {
    this.#note.textContent = text ?? "";
    this.#note.hidden = !text;
  }

  #paint() {
    const line = color("--line");
    this.chart.applyOptions({
      layout: {
        background: { color: "transparent" },
        textColor: color("--muted"),
        fontFamily: getComputedStyle(document.body).fontFamily,
      },
      grid: { vertLines: { color: color("--grid") }, horzLines: { color: color("--grid") } },
      rightPriceScale: { borderColor: line },
      timeScale: { borderColor: line, timeVisible: true, rightOffset: 4 },
      crosshair: { mode: 0 },
    });
    const [up, down] = [color("--up"), color("--down")];
    this.series.applyOptions({
      upColor: up,
      borderUpColor: up,
      wickUpColor: up,
      downColor: down,
      borderDownColor: down,
      wickDownColor: down,
    });
  }

  #addIntervals() {
    const field = document.getElementById("intervals");
    for (const interval of INTERVALS) {
      const label = document.createElement("label");
      const input = document.createElement("input");
      input.type = "radio";
      input.name = "interval";
      input.value = interval;
      input.checked = interval === INTERVAL_FIRST;
      const text = document.createElement("span");
      text.textContent = interval;
      label.append(input, text);
      field.append(label);
    }
    field.addEventListener("change", (event) => {
      this.#interval = event.target.value;
      if (this.#market) this.show(this.#market);
    });
  }
}
