// Draws the graph of a small net as SVG, from numbers that Python has placed, and hands back
// what is dragged or pressed. No other file, no other host, no ids.
const SVG = "http://www.w3.org/2000/svg";

function svg(parent, tag, attributes, text) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  return parent.appendChild(made);
}

function html(parent, tag, properties) {
  return parent.appendChild(Object.assign(document.createElement(tag), properties));
}

const minus = (value, digits) => value.toFixed(digits).replace(/^-(0(\.0+)?$)?/, (all, zero) => zero ? zero : "−");

function drawArrow(parent, [x0, y0, x1, y1, back, pointed]) {
  const kind = back ? " back" : "", long = Math.hypot(x1 - x0, y1 - y0);
  const [ux, uy] = [(x1 - x0) / long, (y1 - y0) / long], tip = pointed ? 8 : 0, half = 3.2;
  const [bx, by] = [x1 - tip * ux, y1 - tip * uy];
  svg(parent, "line", { class: "arrow" + kind, x1: x0, y1: y0, x2: bx, y2: by });
  if (!pointed) return;
  const points = [[x1, y1], [bx - half * uy, by + half * ux], [bx + half * uy, by - half * ux]];
  svg(parent, "polygon", { class: "tip" + kind, points: points.join(" ") });
}

function drawShape(parent, one, lit) {
  const { x, y, width, height, kind } = one, [left, top] = [x - width / 2, y - height / 2];
  let kinds = "shape " + kind;
  if (one.off) kinds += " off";
  if (lit) kinds += " lit";
  if (kind === "given") {
    const neck = left + width - height / 4, bottom = top + height;
    const points = [[left, top], [neck, top], [left + width, y], [neck, bottom], [left, bottom]];
    svg(parent, "polygon", { class: kinds, points: points.join(" ") });
  } else {
    const rx = kind === "parameter" ? 1 : height / 2;
    svg(parent, "rect", { class: kinds, x: left, y: top, width, height, rx });
  }
  const lift = one.low ? 8 : 0;
  svg(parent, "text", { x, y: y - lift }, one.number);
  if (one.blame) svg(parent, "text", { x, y: y + lift, class: "blame" }, one.blame);
  if (one.name) svg(parent, "text", { x, y: top - 9 }, one.name);
}

function render({ model, el }) {
  const box = html(el, "div", { className: "lesson5-net" });
  const frame = html(box, "div", { className: "picture" });
  const told = html(box, "p", { className: "told" });
  told.setAttribute("role", "status"); // read aloud, politely, when it changes
  const labels = model.get("_labels"), [low, high, mostLr] = model.get("_bounds");
  const bars = html(box, "div", { className: "bars" + (labels.some((l) => l.length > 4) ? " long" : "") });
  let lit = null; // the slider that has the focus: its number is framed in the picture

  function mine(control) {
    // In JupyterLab the keys are ours on each control: Lab looks at what has the focus.
    control.setAttribute("data-lm-suppress-shortcuts", "true");
    return control;
  }
  function slider(where, name, min, max, step, oninput) {
    const label = html(where, "label", {});
    html(label, "span", { textContent: name });
    const input = mine(html(label, "input", { type: "range", min, max, step, oninput }));
    return { input, shown: html(label, "b", { ariaHidden: "true" }), min, max };
  }
  function set({ input, shown, min, max }, value, digits) {
    input.min = value < min ? Math.floor(value) : min; // steps may leave the slider's range
    input.max = value > max ? Math.ceil(value) : max;
    if (Number(input.value) !== value) input.value = value;
    shown.textContent = minus(value, digits);
    input.setAttribute("aria-valuetext", shown.textContent);
  }

  const sliders = labels.map((name, k) => {
    const made = slider(bars, name, low, high, 0.05, () => {
      const values = [...model.get("values")];
      values[k] = Number(made.input.value);
      model.set("values", values);
      model.save_changes();
    });
    made.input.onfocus = () => { lit = k; draw(); };
    made.input.onblur = () => { lit = null; draw(); };
    return made;
  });
  const row = html(box, "div", { className: "bars row" });
  const lr = slider(row, "lr", 0, mostLr, mostLr / 50, () => {
    model.set("lr", Number(lr.input.value));
    model.save_changes();
  });
  const ask = (what) => () => model.send({ do: what });
  mine(html(row, "button", { type: "button", textContent: "Step: p −= lr · gradient", onclick: ask("step") }));
  mine(html(row, "button", { type: "button", textContent: "Reset", onclick: ask("reset") }));

  function draw() {
    const { size: [width, height], shapes, arrows, alt } = model.get("_picture");
    const made = document.createElementNS(SVG, "svg");
    const attributes = { viewBox: `-2 -2 ${width + 4} ${height + 4}`, width: width + 4, height: height + 4, role: "img", "aria-label": alt };
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    arrows.forEach((one) => drawArrow(made, one));
    shapes.forEach((one) => drawShape(made, one, lit !== null && one.slider === lit));
    frame.replaceChildren(made);
  }
  function update() {
    sliders.forEach((one, k) => set(one, model.get("values")[k], 2));
    set(lr, model.get("lr"), 2);
  }
  const tell = () => { told.textContent = model.get("_told"); };
  const events = { "change:values": update, "change:lr": update, "change:_picture": draw, "change:_told": tell };
  for (const [event, does] of Object.entries(events)) model.on(event, does);
  update();
  draw();
  tell();
  return () => { for (const [event, does] of Object.entries(events)) model.off(event, does); };
}

export default { render };
