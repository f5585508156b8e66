// Decimal strings: exact arithmetic on BigInt, and how they are shown. Nothing here is a float.

/** How many places a step such as "0.01" has. */
export function places(step) {
  const fraction = step.split(".")[1] ?? "";
  return fraction.replace(/0+$/, "").length;
}

/** {units, scale} of "12.50": 1250n and 2; null for anything but a plain decimal. */
export function parse(text) {
  const found = /^(\d+)(?:\.(\d+))?$/.exec(text);
  if (!found) return null;
  const fraction = found[2] ?? "";
  return { units: BigInt(found[1] + fraction), scale: fraction.length };
}

export function toText({ units, scale }) {
  const digits = (units < 0n ? -units : units).toString().padStart(scale + 1, "0");
  const whole = digits.slice(0, digits.length - scale);
  const sign = units < 0n ? "-" : "";
  return scale ? `${sign}${whole}.${digits.slice(-scale)}` : sign + whole;
}

function rescaled({ units, scale }, to) {
  return units * 10n ** BigInt(to - scale);
}

export function add(one, other) {
  const scale = Math.max(one.scale, other.scale);
  return { units: rescaled(one, scale) + rescaled(other, scale), scale };
}

export function subtract(one, other) {
  return add(one, { units: -other.units, scale: other.scale });
}

export function multiply(one, other) {
  return { units: one.units * other.units, scale: one.scale + other.scale };
}

/** one / other as a number between 0 and 1, for the width of a bar. */
export function share(one, other) {
  const scale = Math.max(one.scale, other.scale);
  const whole = rescaled(other, scale);
  return whole > 0n ? Number((rescaled(one, scale) * 1000n) / whole) / 1000 : 0;
}

/** "1234567.891" with so many places (cut, not rounded) as "1,234,567.89". */
export function shown(text, wanted) {
  const [whole, fraction = ""] = text.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  if (wanted === undefined) return fraction ? `${grouped}.${fraction}` : grouped;
  return wanted ? `${grouped}.${fraction.padEnd(wanted, "0").slice(0, wanted)}` : grouped;
}

/** "1.50000000" as "1.5". */
export function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** Milliseconds since the epoch of a time of the API, which has nanoseconds. */
export function millis(time) {
  return Date.parse(`${time.slice(0, 23)}Z`);
}

const CLOCK = new Intl.DateTimeFormat([], { timeStyle: "medium", hourCycle: "h23" });

export function clock(time) {
  return CLOCK.format(millis(time));
}
