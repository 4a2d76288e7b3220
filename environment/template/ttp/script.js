"use strict";
(function () {
  var button = document.getElementById("fold");
  button.addEventListener("click", function () {
    var hide = button.getAttribute("aria-pressed") !== "true";
    document.querySelectorAll("details.code").forEach(function (cell) { cell.open = !hide; });
    button.setAttribute("aria-pressed", String(hide));
    button.textContent = hide ? "Show code" : "Hide code";
  });
  var contents = document.querySelector("#contents details");
  if (window.matchMedia("(max-width: 70rem)").matches) { contents.open = false; }
})();
