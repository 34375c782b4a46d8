// Draws the graph of a small net as SVG, from numbers that Python has placed, and hands back
// what is dragged or pressed.

function drawArrow(inside, [x0, y0, x1, y1, back, pointed]) {
  const kind = back ? " back" : "", long = Math.hypot(x1 - x0, y1 - y0);
  const [ux, uy] = [(x1 - x0) / long, (y1 - y0) / long], tip = pointed ? 8 : 0, half = 3.2;
  const [bx, by] = [x1 - tip * ux, y1 - tip * uy];
  draw("line", inside, { class: "arrow" + kind, x1: x0, y1: y0, x2: bx, y2: by });
  if (!pointed) return;
  const points = [[x1, y1], [bx - half * uy, by + half * ux], [bx + half * uy, by - half * ux]];
  draw("polygon", inside, { class: "tip" + kind, points: points.join(" ") });
}

function drawShape(inside, one, lit) {
  const { x, y, width, height, kind } = one, [left, top] = [x - width / 2, y - height / 2];
  const kinds = ["shape", kind, one.off ? "off" : "", lit ? "lit" : ""].join(" ");
  if (kind === "given") {
    const neck = left + width - height / 4, bottom = top + height;
    const points = [[left, top], [neck, top], [left + width, y], [neck, bottom], [left, bottom]];
    draw("polygon", inside, { class: kinds, points: points.join(" ") });
  } else {
    const rx = kind === "parameter" ? 1 : height / 2;
    draw("rect", inside, { class: kinds, x: left, y: top, width, height, rx });
  }
  const lift = one.low ? 8 : 0;
  draw("text", inside, { x, y: y - lift }, one.number);
  if (one.blame) draw("text", inside, { x, y: y + lift, class: "blame" }, one.blame);
  if (one.name) draw("text", inside, { x, y: top - 9 }, one.name);
}

function drawAll({ size: [width, height], shapes, arrows, alt }, lit) {
  const [w, h] = [width + 4, height + 4]; // room for the thickness of lines
  const made = draw("svg", null, { viewBox: `-2 -2 ${w} ${h}`, width: w, height: h });
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", alt);
  arrows.forEach((one) => drawArrow(made, one));
  shapes.forEach((one) => drawShape(made, one, lit !== null && one.slider === lit));
  return made;
}

function makeSlider(inside, name, min, max, step, digits = 2) {
  const label = make("label", inside);
  make("span", label, {}, name);
  const input = make("input", label, { type: "range", min, max, step });
  const shown = make("b", label, { "aria-hidden": "true" });
  const set = (value) => {
    input.min = value < min ? Math.floor(value) : min; // steps may leave the slider's range
    input.max = value > max ? Math.ceil(value) : max;
    if (Number(input.value) !== value) input.value = value;
    shown.textContent = value.toFixed(digits).replace(/^-(?=.*[1-9])/, "−").replace("-", "");
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  return { input, set };
}

function render({ model, el }) {
  const box = make("div", el, { class: "lesson5-net", role: "group", "aria-label": "A net to play with" });
  const frame = make("div", box, { class: "picture" });
  const told = make("p", box, { class: "told", role: "status" });
  const labels = model.get("_labels"), [low, high, mostLr] = model.get("_bounds");
  const long = labels.some((label) => label.length > 4);
  const bars = make("div", box, { class: long ? "bars long" : "bars" });
  const row = make("div", box, { class: "bars row" });
  let lit = null; // the slider that has the focus: its number is framed in the picture

  const paint = () => frame.replaceChildren(drawAll(model.get("_picture"), lit));
  const sliders = labels.map((name, at) => {
    const made = makeSlider(bars, name, low, high, 0.05);
    made.input.addEventListener("input", () => {
      const values = [...model.get("values")];
      values[at] = Number(made.input.value);
      model.set("values", values);
      model.save_changes();
    });
    made.input.addEventListener("focus", () => { lit = at; paint(); });
    made.input.addEventListener("blur", () => { lit = null; paint(); });
    return made;
  });
  const lr = makeSlider(row, "lr", 0, mostLr, mostLr / 50, mostLr < 0.5 ? 3 : 2);
  lr.input.addEventListener("input", () => {
    model.set("lr", Number(lr.input.value));
    model.save_changes();
  });
  for (const [words, what] of [["Step: p −= lr · gradient", "step"], ["Reset", "reset"]]) {
    make("button", row, { type: "button" }, words).onclick = () => model.send({ do: what });
  }
  keepKeys(box);

  const events = {
    "change:values": () => sliders.forEach((one, at) => one.set(model.get("values")[at])),
    "change:lr": () => lr.set(model.get("lr")),
    "change:_picture": paint,
    "change:_told": () => { told.textContent = model.get("_told"); },
  };
  for (const [event, does] of Object.entries(events)) {
    does();
    model.on(event, does);
  }
  return () => { for (const [event, does] of Object.entries(events)) model.off(event, does); };
}

export default { render };
