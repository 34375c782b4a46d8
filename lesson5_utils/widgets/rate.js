// Six radio buttons for each film: Tab, arrows and screen readers know what to do with them.

const STARS = ["not seen", "1", "2", "3", "4", "5"];

function render({ model, el }) {
  const id = `lesson5-${Math.random().toString(36).slice(2)}`;
  const box = make("div", el, {
    class: "lesson5-rate",
    role: "group",
    "aria-label": "Films to rate",
  });
  const rows = model.get("films").map(([title, year, genres], at) => {
    const name = `${id}-${at}`;
    const row = make("div", box, { class: "lesson5-film", role: "radiogroup", "aria-labelledby": name });
    const film = make("div", row, { id: name });
    make("span", film, { class: "lesson5-title" }, title);
    make("span", film, { class: "lesson5-about" }, ` ${[year, genres].filter(Boolean).join(" · ")}`);
    const stars = make("div", row, { class: "lesson5-stars" });
    return STARS.map((words, value) => {
      const label = make("label", stars);
      const radio = make("input", label, { type: "radio", name, value });
      make("span", label, value ? { "aria-hidden": "true" } : {}, words);
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
  const said = make("p", box, { role: "status" });
  keepKeys(box);

  function show() {
    model.get("chosen").forEach((value, at) => { rows[at][value].checked = true; });
    said.textContent = model.get("said");
  }
  model.on("change:chosen change:said", show);
  show();
  return () => model.off("change:chosen change:said", show);
}

export default { render };
