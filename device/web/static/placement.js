// Where labels go: greedily, the best thing's first, each to the best place that is still free.

const TINY = 1.1; // heights of a label: a box that is smaller both ways goes without one

const overlap = (a, b) =>
  Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));

// Above, below, beside and inside of a box: those first that hide nothing of the thing.
function places([left, top, right, bottom], [width, height], [across]) {
  const inside = (x) => Math.max(0, Math.min(x, across - width));
  return [
    [inside(left), top - height], [inside(left), bottom], [inside(right - width), top - height], [inside(right - width), bottom],
    [right, top], [left - width, top], [inside(left), top], [inside(left), bottom - height], [inside(right - width), top],
  ];
}

// For each box [x_min, y_min, x_max, y_max] and label [width, height] of a picture of this size:
// where the label lies, [x_min, y_min, x_max, y_max], or null where there is no room for it.
export function placeLabels(boxes, labels, size) {
  const taken = [];
  return boxes.map((box, index) => {
    const label = labels[index];
    if (Math.max(box[2] - box[0], box[3] - box[1]) < TINY * label[1]) return null;
    const others = boxes.filter((_, other) => other !== index);
    let best = null;
    let least = Infinity;
    places(box, label, size).forEach(([x, y], order) => {
      const spot = [x, y, x + label[0], y + label[1]];
      if (x < 0 || y < 0 || spot[2] > size[0] || spot[3] > size[1]) return;
      if (taken.some((other) => overlap(spot, other) > 0)) return;
      const area = label[0] * label[1];
      const hidden = others.reduce((sum, other) => sum + overlap(spot, other), 2 * overlap(spot, box)) / area;
      if (hidden + order / 100 < least) [best, least] = [spot, hidden + order / 100];
    });
    if (best) taken.push(best);
    return best;
  });
}
