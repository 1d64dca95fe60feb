/**
 * The area under the receiver operating characteristic of two classes: how often an example of class 1 scores above one of
 * class 0, ties counted half (Hanley and McNeil, 1982). Undefined without examples of both, or when a score is no number.
 */
export function areaUnderCurve(scores: ArrayLike<number>, labels: ArrayLike<number>): number | undefined {
  if (Array.prototype.some.call(scores, Number.isNaN)) return undefined; // in no order, it would say anything
  const order = Array.from(scores, (_, i) => i).sort((a, b) => scores[a]! - scores[b]!);
  let rankSum = 0;
  let positives = 0;
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && scores[order[to]!] === scores[order[from]!]) to++;
    const rank = (from + 1 + to) / 2; // the mean of the ranks of a tie
    for (let i = from; i < to; i++)
      if (labels[order[i]!] === 1) {
        rankSum += rank;
        positives++;
      }
    from = to;
  }
  const negatives = order.length - positives;
  if (positives === 0 || negatives === 0) return undefined;
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}
