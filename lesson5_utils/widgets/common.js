// What every widget's script begins with.

function make(tag, inside, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  inside.appendChild(made);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, inside, attributes = {}, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  inside?.appendChild(made);
  return made;
}

// Keys are not JupyterLab's while something in the box has the focus, or X would cut the cell;
// with Ctrl or ⌘ they are, so that Ctrl S saves.
function keepKeys(box) {
  const suppress = (yes) => {
    for (const one of box.querySelectorAll("button, canvas, input, select")) {
      one.toggleAttribute("data-lm-suppress-shortcuts", yes);
    }
  };
  const held = (event) => event.key === "Control" || event.key === "Meta";
  box.addEventListener("keydown", (event) => held(event) && suppress(false));
  box.addEventListener("keyup", (event) => held(event) && suppress(true));
  box.addEventListener("focusin", () => suppress(true));
  suppress(true);
}
