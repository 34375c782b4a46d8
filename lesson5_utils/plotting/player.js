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
    bar.appendChild(made);
    return made;
  }
  const bar = document.createElement("div");
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Controls of the moving picture");
  bar.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab: keys are ours here
  const play = make("button", "▶", "Play");
  const back = make("button", "⏮", "One frame back");
  const next = make("button", "⏭", "One frame on");
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
    play.textContent = "▶";
    play.setAttribute("aria-label", "Play");
    play.title = "Play";
  }
  play.onclick = function () {
    if (timer) return pause();
    show(at === last ? 0 : at + 1);
    if (calm.matches || at === last) return; // less motion: one frame for each press
    timer = setInterval(() => (box.isConnected ? show(at + 1) : pause()), SECONDS * 1000);
    play.textContent = "⏸";
    play.setAttribute("aria-label", "Pause");
    play.title = "Pause";
  };
  back.onclick = () => { pause(); show(at - 1); };
  next.onclick = () => { pause(); show(at + 1); };
  slider.oninput = () => { pause(); show(Number(slider.value)); };
  show(last);
})(document.currentScript.parentElement);
