// Signs requests as libs/tigerex_platform/auth/hmac_signature.py verifies them.

const encoder = new TextEncoder();

/** What to do where the browser offers no WebCrypto; null where it does. */
export function cannotSign() {
  if (globalThis.isSecureContext && globalThis.crypto?.subtle) return null;
  return (
    "This page was opened over plain HTTP, where browsers withhold the cryptography that signs " +
    "requests. Open it over https, or by a tunnel as http://localhost, and trading works. " +
    "Market data is shown either way."
  );
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A function (method, target, body) -> headers. Of the secret it keeps only a key that cannot be
 * read back.
 */
export async function makeSigner(key, secret) {
  const usage = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", encoder.encode(secret), usage, false, ["sign"]);
  let lastMs = 0;
  return async (method, target, body) => {
    // Equal requests in one millisecond would have one signature, which is accepted once.
    lastMs = Math.max(Date.now(), lastMs + 1);
    const timestamp = lastMs;
    const digest = hex(await crypto.subtle.digest("SHA-256", encoder.encode(body)));
    const text = encoder.encode(`${timestamp}\n${method} ${target}\n${digest}`);
    return {
      "X-Tigerex-Key": key,
      "X-Tigerex-Timestamp": String(timestamp),
      "X-Tigerex-Signature": hex(await crypto.subtle.sign("HMAC", imported, text)),
    };
  };
}
