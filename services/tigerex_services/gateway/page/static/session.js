// The API key: asked for in a dialog, tried at once, kept in memory, and in the tab only if wanted.

import { read } from "./api.js";
import { cannotSign, makeSigner } from "./signing.js";

const STORED = "tigerex.api-key";

const element = (id) => document.getElementById(id);

export class Session {
  #dialog = element("key-dialog");
  #form = element("key-form");
  #result = element("key-result");
  signer = null;

  /** `onChange()` when there is another key, or none. */
  constructor(onChange) {
    this.onChange = onChange;
    element("open-key").addEventListener("click", () => this.ask());
    element("close-key").addEventListener("click", () => this.#dialog.close());
    element("forget-key").addEventListener("click", () => this.forget());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#use();
    });
    const reason = cannotSign();
    element("key-insecure").textContent = reason ?? "";
    element("key-insecure").hidden = !reason;
    element("use-key").disabled = Boolean(reason);
  }

  /** The key that this tab was told to keep. */
  async restore() {
    const stored = sessionStorage.getItem(STORED);
    if (!stored || cannotSign()) return;
    const { key, secret } = JSON.parse(stored);
    this.#become(await makeSigner(key, secret));
  }

  ask() {
    this.#result.textContent = "";
    this.#dialog.showModal();
  }

  forget(reason = "") {
    sessionStorage.removeItem(STORED);
    this.#become(null);
    this.#form.reset();
    this.#result.textContent = reason;
    if (!reason) this.#dialog.close();
  }

  async #use() {
    const { key, secret, keep } = this.#form.elements;
    const [given, hidden] = [key.value.trim(), secret.value.trim()];
    element("use-key").disabled = true;
    this.#result.textContent = "";
    try {
      const signer = await makeSigner(given, hidden);
      await read("/api/v1/accounts", signer);
      if (keep.checked) sessionStorage.setItem(STORED, JSON.stringify({ key: given, secret: hidden }));
      else sessionStorage.removeItem(STORED);
      this.#become(signer);
      this.#form.reset();
      this.#dialog.close();
    } catch (error) {
      this.#result.textContent = error.message;
    } finally {
      element("use-key").disabled = false;
    }
  }

  #become(signer) {
    this.signer = signer;
    element("forget-key").hidden = !signer;
    element("open-key").textContent = signer ? "API key ✓" : "API key";
    this.onChange();
  }
}
