// A fieldset for each film with six radio buttons: arrows, Tab and screen readers know them.

const STARS = ["not seen", "1", "2", "3", "4", "5"];

function make(tag, inside, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  inside.appendChild(made);
  return made;
}

function render({ model, el }) {
  const id = "lesson5-" + Math.random().toString(36).slice(2);
  const box = make("div", el, {
    class: "lesson5-rate",
    role: "group",
    "aria-label": "Films to rate",
    "data-lm-suppress-shortcuts": "true",
  });
  const rows = model.get("films").map(([title, year, genres], at) => {
    const row = make("fieldset", box);
    const legend = make("legend", row);
    make("span", legend, { class: "lesson5-title", dir: "auto" }, title);
    make("span", legend, { class: "lesson5-about" }, [year, genres].filter(Boolean).join(" · "));
    const stars = make("div", row, { class: "lesson5-stars" });
    return STARS.map((name, value) => {
      const label = make("label", stars);
      const radio = make("input", label, { type: "radio", name: `${id}-${at}`, value });
      make("span", label, {}, name);
      if (value) radio.setAttribute("aria-label", value === 1 ? "1 star" : `${value} stars`);
      radio.addEventListener("change", () => {
        const chosen = [...model.get("chosen")];
        chosen[at] = value;
        model.set("chosen", chosen);
        model.save_changes();
      });
      return radio;
    });
  });
  const said = make("p", box, { role: "status", "aria-live": "polite" });

  function show() {
    model.get("chosen").forEach((value, at) => { rows[at][value].checked = true; });
    said.textContent = model.get("said");
  }
  model.on("change:chosen", show);
  model.on("change:said", show);
  show();
  return () => {
    model.off("change:chosen", show);
    model.off("change:said", show);
  };
}

export default { render };
