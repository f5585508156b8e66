// The REST API: one function reads, one changes; what is refused is thrown with its reason.

const ANSWER_MS_MAX = 10_000;
const ATTEMPTS_MAX = 3;
const RETRY_MS = 500;

/** A problem of RFC 9457, or no answer at all. */
export class Refusal extends Error {
  constructor({ title, detail, code, retryable = false }) {
    super(detail ? `${title}: ${detail}` : title);
    this.code = code;
    this.retryable = retryable;
  }
}

const UNREACHABLE = {
  title: "No answer from the exchange",
  detail: "check the connection and try again",
  code: "UNREACHABLE",
  retryable: true,
};

async function request(method, target, { body = "", headers = {}, signer = null } = {}) {
  const signed = signer ? await signer(method, target, body) : {};
  let response;
  let answer;
  try {
    response = await fetch(target, {
      method,
      body: body || undefined,
      headers: { ...headers, ...signed, ...(body ? { "Content-Type": "application/json" } : {}) },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
      credentials: "omit",
      redirect: "error",
    });
    answer = await response.json();
  } catch {
    throw new Refusal(UNREACHABLE);
  }
  if (!response.ok) throw new Refusal(answer);
  return answer;
}

export function read(target, signer = null) {
  return request("GET", target, { signer });
}

/** Repeated under one name where no answer came, so that it is done once. */
export async function change(method, target, signer, content = null) {
  const body = content ? JSON.stringify(content) : "";
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await request(method, target, { body, headers, signer });
    } catch (error) {
      if (!error.retryable || attempt === ATTEMPTS_MAX) throw error;
      await new Promise((done) => setTimeout(done, RETRY_MS * attempt));
    }
  }
}

export const query = (values) => new URLSearchParams(values).toString();
