// The controls of a moving picture. This text stands in the output itself, right after the
// picture it moves: no file beside it, no other host, no ids. Without it the last frame stays.
(function (box) {
  const img = box.querySelector("img");
  const frames = JSON.parse(box.querySelector("script[type='application/json']").textContent);
  const last = frames.length - 1;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
  let at = last, timer = null;

  function make(tag, text, title) {
    const made = document.createElement(tag);
    made.textContent = text;
    made.setAttribute("aria-label", title);
    made.title = title;
    // In JupyterLab the keys are ours here. On each control, since Lab looks at what has the
    // focus before it looks at what is around it.
    made.setAttribute("data-lm-suppress-shortcuts", "true");
    Object.assign(made.style, { minWidth: "2em", minHeight: "2em", verticalAlign: "middle" });
    bar.appendChild(made);
    return made;
  }
  const bar = document.createElement("div");
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Controls of the moving picture");
  // Words and arrows: the usual signs for pause and step are missing in many fonts.
  const play = make("button", "Play", "Play");
  play.style.minWidth = "4.5em"; // so that nothing beside it moves when it says Pause
  const back = make("button", "←", "One frame back");
  const next = make("button", "→", "One frame on");
  const slider = make("input", "", "Frame");
  Object.assign(slider, { type: "range", min: 0, max: last, step: 1, value: last });
  const told = document.createElement("output");
  bar.appendChild(told);
  box.appendChild(bar);

  function show(frame) {
    at = Math.min(Math.max(frame, 0), last);
    img.src = frames[at].src;
    slider.value = at;
    told.textContent = " " + frames[at].name;
    slider.setAttribute("aria-valuetext", frames[at].name);
    if (at === last) pause();
  }
  function pause() {
    clearInterval(timer);
    timer = null;
    call("Play");
  }
  function call(what) {
    play.textContent = play.title = what;
    play.setAttribute("aria-label", what);
    // While it moves, a screen reader does not read every frame aloud.
    told.setAttribute("aria-live", what === "Pause" ? "off" : "polite");
  }
  play.onclick = function () {
    if (timer) return pause();
    show(at === last ? 0 : at + 1);
    if (calm.matches || at === last) return; // less motion: one frame for each press
    timer = setInterval(() => (box.isConnected ? show(at + 1) : pause()), SECONDS * 1000);
    call("Pause");
  };
  back.onclick = () => { pause(); show(at - 1); };
  next.onclick = () => { pause(); show(at + 1); };
  slider.oninput = () => { pause(); show(Number(slider.value)); };
  show(last);
})(document.currentScript.parentElement);
