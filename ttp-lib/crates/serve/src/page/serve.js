"use strict";
// The form works without this. With it files can be dropped, and what is wrong or takes time is said.
const get = id => document.getElementById(id);
const form = get("upload"), field = get("file"), drop = get("drop"), button = get("send");
const mostBytes = Number(form.dataset.bytes), mostFiles = Number(form.dataset.files);
let clock = 0;

function size(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}

function bytes() {
  return [...field.files].reduce((sum, file) => sum + file.size, 0);
}

function complaint() {
  if (field.files.length > mostFiles) return `${field.files.length} files: at most ${mostFiles} at once.`;
  if (bytes() > mostBytes) return `${size(bytes())} together: at most ${size(mostBytes)} at once.`;
  return "";
}

function show() {
  get("chosen").replaceChildren(...[...field.files].map(file => {
    const item = document.createElement("li");
    item.textContent = `${file.name}, ${size(file.size)}`;
    return item;
  }));
  get("wrong").textContent = complaint();
}

function rest() {
  clearInterval(clock);
  button.disabled = false;
  get("state").textContent = "";
}

function wrong(text) {
  rest();
  get("wrong").textContent = text;
}

get("most").textContent = size(mostBytes);
field.addEventListener("change", show);
for (const kind of ["dragenter", "dragover"]) {
  document.addEventListener(kind, event => { event.preventDefault(); drop.classList.add("over"); });
}
document.addEventListener("dragleave", event => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", event => {
  event.preventDefault();
  drop.classList.remove("over");
  const folder = [...event.dataTransfer.items].some(item => item.webkitGetAsEntry?.()?.isDirectory);
  if (folder) return wrong("A folder cannot be dropped: choose the files that are in it.");
  if (event.dataTransfer.files.length) {
    field.files = event.dataTransfer.files;
    show();
  }
});
form.addEventListener("submit", async event => {
  event.preventDefault();
  if (button.disabled) return;
  if (complaint()) return wrong(complaint());
  button.disabled = true;
  get("wrong").textContent = "";
  let before = 0;
  try {
    const health = await (await fetch("/health")).json();
    before = health.running + health.waiting;
  } catch {
    return wrong("The server does not answer. Is it still running in its terminal?");
  }
  const began = Date.now();
  const tell = () => {
    const seconds = Math.round((Date.now() - began) / 1000);
    const others = before ? ` Reports before it: ${before}.` : "";
    get("state").textContent =
      `Reading ${field.files.length} file(s), ${size(bytes())}: ${seconds} s.${others}`;
  };
  tell();
  clock = setInterval(tell, 1000);
  form.submit();
});
// Also when the browser's way back brings the page as it was left.
addEventListener("pageshow", () => { rest(); show(); });
