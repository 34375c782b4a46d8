// Draws the pad and what Python answers. The strokes go to Python, which alone makes pixels.

const SIZE = 28;
const SHARP = 2; // canvas pixels for each CSS pixel
const FOR = "#c2410c", AGAINST = "#0b61a4", INK = "#111", PAPER = "#fff";
const HELP =
  "Draw with a mouse, a finger, or keys: arrows move the pen, Space puts it down and lifts it.";

function canvas(inside, size, attributes) {
  const side = size * SHARP;
  const made = make("canvas", inside, { width: side, height: side, ...attributes });
  made.style.width = `${size}px`;
  const brush = made.getContext("2d");
  brush.scale(side / SIZE, side / SIZE); // from here on in pixels of the digit
  return [made, brush];
}

const bytes = (view) => (view && view.byteLength ? new Uint8Array(view.buffer, view.byteOffset, view.byteLength) : []);

function paper(brush) {
  brush.fillStyle = PAPER;
  brush.fillRect(0, 0, SIZE, SIZE);
}

function greys(brush, picture) {
  paper(brush);
  picture.forEach((ink, at) => {
    if (!ink) return;
    brush.fillStyle = `rgba(17, 17, 17, ${ink / 255})`;
    brush.fillRect(at % SIZE, Math.floor(at / SIZE), 1.02, 1.02); // no seams between them
  });
}

function reasons(brush, picture) {
  paper(brush);
  const sums = { plus: 0, minus: 0 };
  picture.forEach((byte, at) => {
    const reason = byte > 127 ? byte - 256 : byte; // a signed byte
    sums[reason > 0 ? "plus" : "minus"] += Math.abs(reason);
    if (Math.abs(reason) < 6) return;
    const x = at % SIZE, y = Math.floor(at / SIZE);
    const strength = Math.abs(reason / 127);
    brush.globalAlpha = 0.15 + 0.85 * strength;
    brush.fillStyle = reason > 0 ? FOR : AGAINST;
    brush.fillRect(x, y, 1, 1);
    brush.globalAlpha = 1;
    if (strength > 0.55) brush.fillStyle = PAPER; // else the sign is darker than its cell
    brush.fillRect(x + 0.15, y + 0.41, 0.7, 0.18); // a minus …
    if (reason > 0) brush.fillRect(x + 0.41, y + 0.15, 0.18, 0.7); // … or a plus
  });
  return sums;
}

// --- what stands beside the pad ------------------------------------------------------------

function answers(box, model) {
  const said = make("p", box, { class: "lesson5-said" });
  const pictures = make("div", box, { class: "lesson5-pictures" });
  const part = (size, words) => {
    const figure = make("figure", pictures);
    const [picture, brush] = canvas(figure, size, { role: "img", "aria-label": words });
    make("figcaption", figure, {}, words);
    return [figure, brush, picture];
  };
  const [, seen] = part(140, "what the model sees");
  const [whyBox, why, whyPicture] = part(196, "+ speaks for it, − against it");
  const list = make("ul", box, { class: "lesson5-bars", "aria-label": "Probability of each digit" });
  const bars = [...Array(10).keys()].map((digit) => {
    const row = make("li", list);
    make("span", row, { class: "lesson5-name" }, String(digit));
    const bar = make("span", make("span", row, { class: "lesson5-track", "aria-hidden": "true" }));
    return [row, bar, make("span", row, { class: "lesson5-share" })];
  });
  const aloud = make("p", box, { class: "lesson5-aloud", role: "status" });
  let wait = null;

  return () => {
    const { seen: picture, bars: shares, why: because, problem, asked } = model.get("answer");
    greys(seen, bytes(picture));
    list.hidden = !asked[0];
    whyBox.hidden = !asked[1];
    const { plus, minus } = reasons(why, bytes(because));
    const share = Math.round((100 * plus) / (plus + minus || 1));
    const told = `${share} % of the reasons speak for it, ${100 - share} % against it`;
    whyPicture.setAttribute("aria-label", plus + minus ? told : "no reasons yet");
    const best = shares.indexOf(Math.max(...shares));
    bars.forEach(([row, bar, text], digit) => {
      const value = shares.length ? shares[digit] : 0;
      bar.style.width = `${100 * value}%`;
      text.textContent = shares.length ? `${Math.round(100 * value)} %` : "";
      row.classList.toggle("lesson5-best", digit === best);
    });
    said.classList.toggle("lesson5-problem", Boolean(problem));
    if (problem) said.textContent = `The model cannot answer: ${problem}`;
    else if (!asked[0]) said.textContent = "No model looks at it yet.";
    else if (!shares.length) said.textContent = "Draw a digit, or choose a saved drawing.";
    else said.textContent = `The model says ${best}, ${Math.round(100 * shares[best])} % sure.`;
    clearTimeout(wait); // read aloud when the pen rests, not at every move
    wait = setTimeout(() => { aloud.textContent = said.textContent; }, 700);
  };
}

// --- the pad -------------------------------------------------------------------------------

function render({ model, el }) {
  const box = make("div", el, { class: "lesson5-pad", role: "group", "aria-label": "Drawing pad" });
  const left = make("div", box, { class: "lesson5-left" });
  const [pad, brush] = canvas(left, 252, {
    class: "lesson5-paper",
    tabindex: "0",
    role: "application",
    "aria-label": `Paper of 28 by 28 pixels. ${HELP} Backspace undoes, Delete clears.`,
  });
  const buttons = make("div", left, { class: "lesson5-buttons" });
  const undo = make("button", buttons, { type: "button" }, "Undo");
  const clear = make("button", buttons, { type: "button" }, "Clear");
  const choose = make("select", left, { "aria-label": "Saved drawings" });
  make("option", choose, { value: "" }, "Saved drawings …");
  model.get("saved").forEach(([name], at) => make("option", choose, { value: at }, name));
  make("p", left, { class: "lesson5-help" }, HELP);
  const where = make("p", left, { class: "lesson5-aloud", role: "status" });
  const answer = answers(make("div", box, { class: "lesson5-answers" }), model);

  let strokes = model.get("strokes");
  const past = []; // what Undo goes back to
  const pen = { x: 14, y: 14, down: false, keys: false, asked: 0 };

  function paint() {
    greys(brush, bytes(model.get("ground")));
    brush.strokeStyle = INK;
    brush.lineWidth = 2 * model.get("radius");
    brush.lineCap = brush.lineJoin = "round";
    for (const stroke of strokes) {
      brush.beginPath();
      stroke.forEach(([x, y], at) => (at ? brush.lineTo(x, y) : brush.moveTo(x, y)));
      if (stroke.length === 1) brush.lineTo(stroke[0][0] + 0.01, stroke[0][1]);
      brush.stroke();
    }
    if (pen.keys && document.activeElement === pad) {
      brush.lineWidth = 0.35;
      brush.strokeStyle = FOR;
      brush.beginPath();
      brush.arc(pen.x, pen.y, pen.down ? 1 : 1.8, 0, 7);
      brush.stroke();
    }
  }
  function send() { // once for each picture of the screen, however fast the pen is
    paint();
    if (pen.asked) return;
    pen.asked = requestAnimationFrame(() => {
      pen.asked = 0;
      model.set("strokes", strokes.map((stroke) => [...stroke]));
      model.save_changes();
    });
  }
  function remember() {
    past.push([strokes.map((stroke) => [...stroke]), model.get("ground")]);
  }
  function put(next, ground) {
    pen.down = false;
    strokes = next;
    if (ground !== model.get("ground")) model.set("ground", ground);
    send();
  }
  const empty = () => new DataView(new ArrayBuffer(0));
  function back() {
    if (past.length) put(...past.pop());
    else put(strokes.slice(0, -1), strokes.length ? model.get("ground") : empty());
  }
  function wipe() {
    remember();
    put([], empty());
  }
  function start(point) {
    remember();
    pen.down = true;
    strokes = [...strokes, [point]];
    send();
  }
  function go(point, least) {
    const stroke = strokes[strokes.length - 1];
    const [x, y] = stroke[stroke.length - 1];
    if (Math.hypot(point[0] - x, point[1] - y) < least) return;
    stroke.push(point);
    send();
  }

  // --- mouse and fingers
  function at(event) {
    const edge = pad.getBoundingClientRect();
    const inside = (share) => Math.round(100 * SIZE * Math.min(Math.max(share, 0), 1)) / 100;
    return [
      inside((event.clientX - edge.left) / edge.width),
      inside((event.clientY - edge.top) / edge.height),
    ];
  }
  let finger = null; // the one that draws; others are left alone
  pad.addEventListener("pointerdown", (event) => {
    if (event.button || finger !== null) return;
    event.preventDefault();
    pad.focus({ preventScroll: true });
    pad.setPointerCapture(event.pointerId);
    finger = event.pointerId;
    pen.keys = false;
    start(at(event));
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId !== finger) return;
    const between = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of between.length ? between : [event]) go(at(one), 0.35);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event.pointerId !== finger) return;
      finger = null;
      pen.down = false;
    });
  }

  // --- keys
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const within = (place) => Math.min(Math.max(place, 0), SIZE);
  function key(event) {
    const way = WAYS[event.key];
    if (way) {
      pen.x = within(pen.x + way[0]);
      pen.y = within(pen.y + way[1]);
      if (pen.down) go([pen.x, pen.y], 0.01);
    } else if (event.key === " " || event.key === "Enter") {
      if (pen.down) pen.down = false;
      else start([pen.x, pen.y]);
    } else if (event.key === "Escape") pen.down = false;
    else if (event.key === "Backspace" || (event.key === "z" && (event.ctrlKey || event.metaKey))) back();
    else if (event.key === "Delete") wipe();
    else return;
    event.preventDefault();
    event.stopPropagation();
    pen.keys = true;
    const held = pen.down ? "down" : "up";
    where.textContent = `pen ${held}, column ${Math.round(pen.x)}, row ${Math.round(pen.y)}`;
    paint();
  }
  pad.addEventListener("keydown", key);
  pad.addEventListener("focus", () => {
    pen.keys = pad.matches(":focus-visible");
    paint();
  });
  pad.addEventListener("blur", () => {
    pen.down = false;
    paint();
  });
  undo.onclick = back;
  clear.onclick = wipe;
  choose.onchange = () => {
    if (choose.value === "") return;
    remember();
    put(model.get("saved")[choose.value][1], empty());
    choose.value = "";
  };

  function changed() { // from Python, or from another view of this pad
    if (!pen.down && !pen.asked) strokes = model.get("strokes");
    paint();
  }
  model.on("change:strokes change:ground", changed);
  model.on("change:answer", answer);
  keepKeys(box);
  paint();
  answer();
  return () => {
    model.off("change:strokes change:ground", changed);
    model.off("change:answer", answer);
  };
}

export default { render };
