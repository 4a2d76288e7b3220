"use strict";
(function () {
  var button = document.getElementById("fold");
  button.addEventListener("click", function () {
    var hide = button.getAttribute("aria-pressed") !== "true";
    document.querySelectorAll("details.code").forEach(function (cell) { cell.open = !hide; });
    button.setAttribute("aria-pressed", String(hide));
    button.textContent = hide ? "Show code" : "Hide code";
  });
  document.querySelectorAll(".ttp-table.filterable").forEach(function (holder) {
    var table = holder.querySelector("table");
    var rows = Array.prototype.slice.call(table.querySelectorAll("tbody tr"));
    var headers = Array.prototype.slice.call(table.querySelectorAll("thead th"));
    var verdicts = headers.map(function (th) { return th.textContent; }).indexOf("verdict");
    var bar = document.createElement("p");
    bar.className = "filter";
    var words = document.createElement("input");
    words.type = "search";
    words.setAttribute("aria-label", "rows with these words");
    words.placeholder = "rows with these words";
    bar.appendChild(words);
    var choice = document.createElement("select");
    choice.setAttribute("aria-label", "verdict");
    var names = [];
    rows.forEach(function (row) {
      var name = verdicts < 0 ? "" : row.cells[verdicts].textContent;
      if (name && names.indexOf(name) < 0) { names.push(name); }
    });
    ["all verdicts"].concat(names.sort()).forEach(function (name, at) {
      var option = document.createElement("option");
      option.value = at ? name : "";
      option.textContent = name;
      choice.appendChild(option);
    });
    if (names.length) { bar.appendChild(choice); }
    var count = document.createElement("output");
    bar.appendChild(count);
    function apply() {
      var wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
      var shown = 0;
      rows.forEach(function (row) {
        var text = row.textContent.toLowerCase();
        var keep = wanted.every(function (word) { return text.indexOf(word) >= 0; }) &&
          (!choice.value || row.cells[verdicts].textContent === choice.value);
        row.hidden = !keep;
        shown += keep ? 1 : 0;
      });
      count.textContent = shown + " of " + rows.length + " rows";
    }
    words.addEventListener("input", apply);
    choice.addEventListener("change", apply);
    holder.parentNode.insertBefore(bar, holder);
    apply();
  });
  var contents = document.querySelector("#contents details");
  if (window.matchMedia("(max-width: 70rem)").matches) { contents.open = false; }
})();
