// The drawing as an SVG file that stands by itself.

/** Everything that the file takes from the page, in the colours of daylight. */
const style = `
.drawing{background:#fff;font-family:"Source Sans 3",system-ui,sans-serif}
.edge{fill:none;stroke:#8f897d;stroke-width:1.25}
.node rect{stroke-width:1}.node.root>rect{stroke-width:2.25}
.model>rect{fill:#e8edf8;stroke:#2d4a8a}.dataset>rect{fill:#faf1de;stroke:#7d5200}
.job>rect{fill:#f0eee8;stroke:#5c574f}.operator>rect{fill:#e3f0ed;stroke:#0b5c55}
.glyph{fill:none;stroke-width:1.3;stroke:#5c574f}
.node.marked>rect{stroke:#a3271f;stroke-width:2;stroke-dasharray:5 3}
text{fill:#1f1d1a;font-size:13.5px}.node-title{font-weight:600}.node-subtitle{fill:#5c574f;font-size:12px}
.node-alert,.node-more{text-anchor:end;font-weight:700;fill:#a3271f}`;

/** The SVG's text. Names stay texts: the browser's own serialiser writes them. */
export function svgFile(drawing: SVGSVGElement): string {
  const copy = drawing.cloneNode(true) as SVGSVGElement;
  const [, , width, height] = (copy.getAttribute("viewBox") ?? "").split(" ");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", width ?? "");
  copy.setAttribute("height", height ?? "");
  for (const name of ["role", "aria-describedby"]) copy.removeAttribute(name);
  for (const node of copy.querySelectorAll(".node")) {
    node.classList.remove("selected");
    for (const name of ["role", "tabindex", "aria-pressed"]) node.removeAttribute(name);
  }
  for (const edge of copy.querySelectorAll(".edge")) edge.classList.remove("near");
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "style");
  sheet.textContent = style;
  copy.prepend(sheet);
  return new XMLSerializer().serializeToString(copy);
}
