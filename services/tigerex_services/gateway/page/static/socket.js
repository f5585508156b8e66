// The WebSocket: subscriptions outlive its connections; it says when it is away, and comes back.

const BACKOFF_MS_MIN = 500;
const BACKOFF_MS_MAX = 15_000;
const PING_MS = 20_000;
const SILENCE_MS_MAX = 45_000;

function topicOf({ channel, market, interval }) {
  return [channel, market, interval].filter(Boolean).join(":");
}

export class Socket {
  #subscriptions = new Map(); // topic -> {fields, handlers}
  #asked = new Map(); // id of a message -> topic
  #nextId = 1;
  #failures = 0;
  #heardMs = 0;
  #timer = null;
  #socket = null;

  /** `onState(state, text)`: "live", "connecting" or "away". */
  constructor(onState) {
    this.onState = onState;
    setInterval(() => this.#ping(), PING_MS);
    addEventListener("online", () => this.#socket ?? this.connect());
  }

  connect() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.onState("connecting", "Connecting…");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/v1/ws`);
    this.#socket = socket;
    socket.onopen = () => {
      this.#heardMs = Date.now();
      this.onState("live", "Live");
      for (const topic of this.#subscriptions.keys()) this.#ask("subscribe", topic);
    };
    socket.onmessage = (event) => this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event.reason);
    };
  }

  /** `onStart` runs whenever data begins to flow, `onData` with each row. Returns how to end it. */
  subscribe(fields, handlers) {
    const topic = topicOf(fields);
    const subscription = { fields, handlers };
    this.#subscriptions.set(topic, subscription);
    this.#ask("subscribe", topic);
    return () => {
      if (this.#subscriptions.get(topic) !== subscription) return;
      this.#ask("unsubscribe", topic);
      this.#subscriptions.delete(topic);
    };
  }

  #ask(op, topic) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const id = this.#nextId++;
    this.#asked.set(id, topic);
    this.#socket.send(JSON.stringify({ op, id, ...this.#subscriptions.get(topic).fields }));
  }

  #receive(message) {
    this.#heardMs = Date.now();
    this.#failures = 0;
    const topic = this.#asked.get(message.id);
    this.#asked.delete(message.id);
    if (message.type === "data") {
      this.#subscriptions.get(message.subscription)?.handlers.onData(message.data);
    } else if (message.type === "subscribed") {
      this.#subscriptions.get(topic)?.handlers.onStart?.();
    } else if (message.type === "error") {
      this.#subscriptions.get(topic)?.handlers.onRefused?.(message.problem);
    }
  }

  #ping() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.#heardMs > SILENCE_MS_MAX) {
      this.#socket.close();
      this.#lost("no sign of life");
    } else {
      this.#socket.send(JSON.stringify({ op: "ping", id: 0 }));
    }
  }

  #lost(reason) {
    this.#socket = null;
    this.#asked.clear();
    const most = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** this.#failures);
    // Spread out, so that the clients of a restarted gateway do not all come at once.
    const waitMs = most * (0.5 + Math.random() / 2);
    this.#failures += 1;
    const because = reason ? ` (${reason})` : "";
    this.onState("away", `Disconnected${because}; next try in ${Math.ceil(waitMs / 1000)} s`);
    this.#timer = setTimeout(() => this.connect(), waitMs);
  }
}
