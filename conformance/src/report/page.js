"use strict";
const form = document.getElementById("filters");
const entries = document.querySelectorAll("details");
function filter() {
  let shown = 0;
  for (const entry of entries) {
    entry.hidden = ["level", "verdict"].some((name) => {
      const wanted = form.elements[name].value;
      return wanted !== "" && entry.dataset[name] !== wanted;
    });
    shown += entry.hidden ? 0 : 1;
  }
  document.getElementById("shown").textContent = `${shown} of ${entries.length} rules shown`;
}
form.addEventListener("change", filter);
form.addEventListener("submit", (event) => event.preventDefault());
filter();
