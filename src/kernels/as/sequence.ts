// Values of a recurrent layer, [batch, steps, units].

/** What each step finds: the row of the step before, zeros at the first. */
export function previousSteps(x: usize, batch: i32, steps: i32, units: i32, out: usize): void {
  const row = <usize>units << 2, rest = <usize>(steps - 1) * row;
  for (let n = 0; n < batch; n++) {
    memory.fill(out, 0, row);
    memory.copy(out + row, x, rest);
    out += row + rest;
    x += row + rest;
  }
}
