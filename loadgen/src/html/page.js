// Shows the figures of the point nearest to the pointer. The page is whole without it.
const tip = document.getElementById("tip");
for (const figure of document.querySelectorAll(".chart")) {
  const svg = figure.querySelector(":scope > svg");
  const data = JSON.parse(figure.querySelector("script").textContent);
  const layer = svg.querySelector(".pointer");
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    let at = -1;
    data.x.forEach((it, n) => {
      const has = data.series.some((series) => series.y[n] !== null);
      if (has && (at < 0 || Math.abs(it - x) < Math.abs(data.x[at] - x))) at = n;
    });
    if (at < 0) return;
    const shown = data.series.filter((series) => series.y[at] !== null);
    layer.innerHTML = `<path d="M${data.x[at]} ${data.top}V${data.bottom}"/>` +
      shown.map((series) => `<circle class="c${series.colour}" cx="${data.x[at]}" cy="${series.y[at]}" r="4"/>`).join("");
    tip.replaceChildren();
    const head = document.createElement("b");
    head.textContent = data.label[at];
    tip.append(head);
    for (const series of shown) {
      const line = document.createElement("div");
      line.textContent = `${series.name}: ${series.text[at]}`;
      tip.append(line);
    }
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 12;
    tip.style.left = `${Math.max(4, Math.min(event.pageX + 14, room))}px`;
    tip.style.top = `${event.pageY + 16}px`;
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; layer.replaceChildren(); });
}
