// Draws at most once a frame, however often something changes.

/** A function that makes `draw` run before the next frame. */
export function eachFrame(draw) {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      draw();
    });
  };
}

/** Writes only what differs: an unchanged text costs no layout. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** So many rows of so many cells, made once. */
export function makeRows(body, rows, cells) {
  for (let row = 0; row < rows; row += 1) {
    const line = body.insertRow();
    for (let cell = 0; cell < cells; cell += 1) line.insertCell();
  }
  return [...body.rows];
}
