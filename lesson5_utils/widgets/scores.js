// A row for each class: true or not, its slider, its probability, and two arrows. Python gives
// all numbers and words.

const KINDS = ["entropy", "mse"];

// An arrow from one place to another, both in per cent of the width: the tip keeps its form,
// shrinks with short arrows, and becomes a dot where nothing is left.
function drawArrow(inside, from, to, y, kind, width) {
  const long = (Math.abs(to - from) / 100) * width;
  if (long < 2.5) {
    draw("circle", inside, { class: `dot ${kind}`, cx: `${from}%`, cy: y, r: 2.5 });
    return;
  }
  const way = Math.sign(to - from), tip = Math.min(10, long), half = 0.42 * tip;
  const neck = to - (way * 100 * tip) / width;
  draw("line", inside, { class: `shaft ${kind}`, x1: `${from}%`, x2: `${neck}%`, y1: y, y2: y });
  const end = draw("svg", inside, { x: `${to}%`, y, overflow: "visible" });
  draw("polygon", end, { class: `tip ${kind}`, points: `0,0 ${-way * tip},${-half} ${-way * tip},${half}` });
}

function makeTable(inside, names) {
  const table = make("table", inside, { class: "losses" });
  const head = make("tr", make("thead", table));
  for (const words of ["", "loss", "largest push"]) make(words ? "th" : "td", head, words ? { scope: "col" } : {}, words);
  const body = make("tbody", table);
  return names.map((name, which) => {
    const row = make("tr", body, { class: KINDS[which] });
    const title = make("th", row, { scope: "row" });
    const sample = draw("svg", title, { width: 34, height: 12, "aria-hidden": "true" });
    drawArrow(sample, 0, 100, 6, KINDS[which], 34);
    make("span", title, {}, name);
    return [make("td", row), make("td", row)];
  });
}

function makeHeads(inside) {
  const row = make("div", inside, { class: "row heads", "aria-hidden": "true" });
  const words = { name: "true class", slider: "", score: "score", bar: "probability p", share: "" };
  for (const [kind, text] of Object.entries(words)) make("span", row, { class: kind }, text);
  const arrows = make("span", row, { class: "arrows" });
  for (const [left, word, right] of [["← ", "lowers", ""], ["", "", "push"], ["", "raises", " →"]]) {
    const part = make("span", arrows, {}, left);
    make("i", part, {}, word);
    part.append(right);
  }
  make("span", row, { class: "texts" });
}

function makeRow(inside, name, group, [low, high]) {
  const row = make("div", inside, { class: "row", role: "group", "aria-label": name });
  const label = make("label", row, { class: "name" });
  const radio = make("input", label, { type: "radio", name: group, "aria-label": `${name} is the true class` });
  make("span", label, {}, name);
  const slider = make("input", row, {
    class: "slider", type: "range", min: low, max: high, step: 0.1, "aria-label": `score of ${name}`,
  });
  const score = make("b", row, { class: "score", "aria-hidden": "true" });
  const bar = make("span", row, { class: "bar", "aria-hidden": "true" });
  const share = make("span", row, { class: "share" });
  const arrows = draw("svg", row, { class: "arrows", role: "img" });
  const texts = make("span", row, { class: "texts", "aria-hidden": "true" });
  const both = KINDS.map((kind) => make("span", texts, { class: kind }));
  const [filled, target] = [make("span", bar, { class: "p" }), make("span", bar, { class: "y" })];

  const paint = ({ p, score: told, share: text, pushes, texts: signed, words }, value, truth) => {
    row.classList.toggle("truth", truth);
    radio.checked = truth;
    slider.min = value < low ? Math.floor(value) : low; // a score may leave the slider's range
    slider.max = value > high ? Math.ceil(value) : high;
    if (Number(slider.value) !== value) slider.value = value;
    score.textContent = told;
    slider.setAttribute("aria-valuetext", `${told}, probability ${text}`);
    filled.style.width = `${100 * p}%`;
    target.style.left = truth ? "100%" : "0";
    share.textContent = text;
    share.setAttribute("aria-label", `probability ${text}`);
    arrows.setAttribute("aria-label", words);
    const width = arrows.getBoundingClientRect().width || 200;
    arrows.replaceChildren();
    for (const x of [0, 50, 100]) {
      draw("line", arrows, { class: x === 50 ? "zero" : "rim", x1: `${x}%`, x2: `${x}%`, y1: 0, y2: "100%" });
    }
    pushes.forEach((push, which) => {
      drawArrow(arrows, 50, 50 + 50 * push, which ? 25 : 9, KINDS[which], width);
      both[which].textContent = signed[which];
    });
  };
  return { radio, slider, arrows, paint };
}

function makeScale(inside) {
  const row = make("div", inside, { class: "row scale", "aria-hidden": "true" });
  const arrows = make("span", row, { class: "arrows" });
  for (const text of ["−1", "0", "+1"]) make("span", arrows, {}, text);
}

function render({ model, el }) {
  const names = model.get("_names");
  const box = make("div", el, { class: "lesson5-scores", role: "group", "aria-label": "Scores to move" });
  const table = makeTable(box, model.get("_losses"));
  const group = `lesson5-${Math.random().toString(36).slice(2)}`;
  const list = make("div", box, { class: "rows" });
  const longest = Math.max(...names.map((name) => name.length));
  list.style.setProperty("--name", `${Math.min(longest, 18) * 0.62 + 2}em`);
  makeHeads(list);
  const rows = names.map((name, at) => {
    const made = makeRow(list, name, group, model.get("_bounds"));
    made.slider.addEventListener("input", () => {
      const scores = [...model.get("scores")];
      scores[at] = Number(made.slider.value);
      model.set("scores", scores);
      model.save_changes();
    });
    made.radio.addEventListener("change", () => {
      model.set("truth", at);
      model.save_changes();
    });
    return made;
  });
  makeScale(list);
  const foot = make("div", box, { class: "foot" });
  make("p", foot, {}, model.get("_footnote"));
  make("button", foot, { type: "button" }, "Reset").onclick = () => model.send({ do: "reset" });
  const aloud = make("p", box, { class: "aloud", role: "status" });
  keepKeys(box);

  let wait = null, said = model.get("_shown").said;
  const paint = () => {
    const now = model.get("_shown"), scores = model.get("scores"), truth = model.get("truth");
    rows.forEach((row, at) => row.paint(now.rows[at], scores[at], at === truth));
    table.forEach(([loss, largest], which) => {
      loss.textContent = now.losses[which];
      largest.textContent = now.largest[which];
    });
    clearTimeout(wait); // read aloud when the sliders rest, not at every move
    if (now.said !== said) wait = setTimeout(() => { aloud.textContent = said = now.said; }, 900);
  };
  const resized = new ResizeObserver(paint); // tips keep their form in any width
  resized.observe(list);
  model.on("change:_shown change:scores change:truth", paint);
  paint();
  return () => {
    resized.disconnect();
    clearTimeout(wait);
    model.off("change:_shown change:scores change:truth", paint);
  };
}

export default { render };
