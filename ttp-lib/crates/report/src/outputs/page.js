
"use strict";
// No less-than sign and no ampersand stand here: the page is XML, too.
(function () {
  var marks = Array.from(document.querySelectorAll(".mark"));
  var choices = Array.from(document.querySelectorAll("[data-technique][aria-pressed]"));
  var blocks = Array.from(document.querySelectorAll(".prose"));
  var others = Array.from(document.querySelectorAll(".left-out, .document h3, .page"));
  var form = document.querySelector(".filters");
  var said = form.querySelector("output");
  var LEVELS = ["sure", "likely", "possible", "near"];
  var here = -1;

  function box(name) { return form.querySelector("input[name=" + name + "]"); }
  function ticked(name) { var found = box(name); return found ? found.checked : false; }
  function level(mark) { return LEVELS.find(function (name) { return mark.classList.contains(name); }); }
  function visible() { return marks.filter(function (mark) { return !mark.classList.contains("off"); }); }

  function look() {
    var wanted = choices.filter(function (choice) { return choice.getAttribute("aria-pressed") === "true"; })
      .map(function (choice) { return choice.dataset.technique; });
    marks.forEach(function (mark) {
      var on = ticked(level(mark));
      if (wanted.length) { on = on ? wanted.includes(mark.dataset.technique) : false; }
      mark.classList.toggle("off", !on);
      mark.querySelector("summary").tabIndex = on ? 0 : -1;
      if (!on) { mark.open = false; mark.classList.remove("here"); }
    });
    var only = ticked("only");
    blocks.forEach(function (block) {
      block.hidden = only ? block.querySelector(".mark:not(.off)") === null : false;
    });
    others.forEach(function (other) { other.hidden = only; });
    said.textContent = visible().length + " of " + marks.length + " marks shown.";
    here = -1;
  }

  function step(by) {
    var all = visible();
    if (!all.length) { return; }
    var last = all.length - 1;
    var at = all.findIndex(function (mark) { return mark.contains(document.activeElement); });
    if (at === -1) { at = here; }
    here = at === -1 ? (by > 0 ? 0 : last) : (at + by + all.length) % all.length;
    all.forEach(function (mark, number) { mark.classList.toggle("here", number === here); });
    all[here].scrollIntoView({ block: "center" });
    all[here].querySelector("summary").focus({ preventScroll: true });
  }

  function clear() {
    choices.forEach(function (choice) { choice.setAttribute("aria-pressed", "false"); });
    look();
  }

  choices.forEach(function (choice) {
    choice.disabled = false;
    choice.addEventListener("click", function () {
      var pressed = choice.getAttribute("aria-pressed") === "true";
      choice.setAttribute("aria-pressed", String(!pressed));
      look();
      if (!pressed) {
        var first = visible()[0];
        if (first) { first.scrollIntoView({ block: "center" }); }
      }
    });
  });
  form.addEventListener("change", look);
  form.addEventListener("submit", function (event) { event.preventDefault(); });
  form.querySelector("[name=previous]").addEventListener("click", function () { step(-1); });
  form.querySelector("[name=next]").addEventListener("click", function () { step(1); });
  form.querySelector("[name=clear]").addEventListener("click", clear);
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey) { return; }
    if (event.key === "n") { step(1); }
    if (event.key === "p") { step(-1); }
    if (event.key === "Escape") { clear(); }
  });
  form.hidden = false;
  look();
}());
