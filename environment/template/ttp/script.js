"use strict";
(function () {
  var DOTS_PER_PIXEL = 2;
  // An A4 or Letter page between its margins, in CSS pixels.
  var PAPER_WIDTH = 660;
  var NUMBER = /^[\u2212+-]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?$/;
  var page = decodeURIComponent(location.pathname.split("/").pop()).replace(/\.html$/, "") || "page";

  function all(selector, inside) {
    return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
  }

  function button(text, label, act) {
    var made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (label) { made.setAttribute("aria-label", label); }
    made.addEventListener("click", act);
    return made;
  }

  // -- code, folded or not

  var fold = document.getElementById("fold");
  fold.addEventListener("click", function () {
    var hide = fold.getAttribute("aria-pressed") !== "true";
    all("details.code").forEach(function (cell) { cell.open = !hide; });
    fold.setAttribute("aria-pressed", String(hide));
    fold.textContent = hide ? "Show code" : "Hide code";
  });

  // -- files of what is shown

  function save(name, blob) {
    var link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    document.body.appendChild(link);
    link.click();
    link.remove();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  }

  function named(title, kind, number) {
    var words = (title || "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
    return page + "-" + (words.slice(0, 60) || kind + "-" + number);
  }

  function drawn(svg) {
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + new XMLSerializer().serializeToString(svg);
  }

  function saveAsPng(svg, name) {
    var picture = new Image();
    picture.onload = function () {
      var canvas = document.createElement("canvas");
      canvas.width = Math.round(picture.width * DOTS_PER_PIXEL);
      canvas.height = Math.round(picture.height * DOTS_PER_PIXEL);
      canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
      canvas.toBlob(function (blob) { save(name + ".png", blob); }, "image/png");
    };
    picture.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(drawn(svg));
  }

  all("figure.plot").forEach(function (figure, number) {
    var svg = figure.querySelector("svg");
    var image = figure.querySelector("img");
    var title = svg && svg.querySelector("title");
    var name = named(title && title.textContent, "plot", number + 1);
    var bar = document.createElement("p");
    bar.className = "save";
    if (svg) {
      bar.append(button("Save SVG", "Save the plot as SVG: " + name, function () {
        save(name + ".svg", new Blob([drawn(svg)], { type: "image/svg+xml" }));
      }), button("Save PNG", "Save the plot as PNG: " + name, function () { saveAsPng(svg, name); }));
    } else if (image) {
      bar.append(button("Save PNG", "Save the plot as PNG: " + name, function () {
        var bytes = atob(image.src.split(",")[1]);
        var held = new Uint8Array(bytes.length);
        for (var at = 0; at < bytes.length; at += 1) { held[at] = bytes.charCodeAt(at); }
        save(name + ".png", new Blob([held], { type: "image/png" }));
      }));
    }
    figure.after(bar);
  });

  // A number as programs read it, and no text that a spreadsheet would take for a formula.
  function field(text) {
    var value = text.replace(/\s+/g, " ").trim();
    if (NUMBER.test(value)) {
      value = value.replace(/,/g, "").replace("\u2212", "-");
    } else if (/^[=+@\u2212-]./.test(value)) {
      value = "'" + value;
    }
    return /[",\n]/.test(value) ? '"' + value.replace(/"/g, '""') + '"' : value;
  }

  function asCsv(table) {
    var rows = all("tr", table).filter(function (row) {
      return !row.hidden && !row.closest("tfoot");
    });
    // A value's interval gets a column of its own.
    var parted = [];
    rows.forEach(function (row) {
      all("td, th", row).forEach(function (cell, at) {
        if (cell.querySelector(".interval")) { parted[at] = true; }
      });
    });
    return rows.map(function (row) {
      var fields = [];
      all("td, th", row).forEach(function (cell, at) {
        var copy = cell.cloneNode(true);
        var interval = copy.querySelector(".interval");
        if (interval) { interval.remove(); }
        fields.push(field(copy.textContent));
        if (parted[at]) {
          var heading = cell.textContent + " interval";
          fields.push(field(interval ? interval.textContent
            : row.closest("thead") ? heading : ""));
        }
      });
      return fields.join(",");
    }).join("\r\n") + "\r\n";
  }

  // -- tables that can be searched

  document.querySelectorAll(".ttp-table.filterable").forEach(function (holder) {
    var table = holder.querySelector("table");
    var rows = all("tbody tr", table);
    var headers = all("thead th", table);
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
      holder.dispatchEvent(new Event("rows", { bubbles: true }));
    }
    words.addEventListener("input", apply);
    choice.addEventListener("change", apply);
    holder.parentNode.insertBefore(bar, holder);
    apply();
  });

  // -- tables that are cut in height, and their files

  all(".output .scroll").forEach(function (scroll, number) {
    var table = scroll.querySelector("table");
    if (!table) { return; }
    var bar = document.createElement("p");
    bar.className = "save";
    var more = button("", "", function () {
      scroll.classList.toggle("whole");
      count();
      if (!scroll.classList.contains("whole")) { scroll.scrollIntoView({ block: "nearest" }); }
    });
    more.className = "more";
    function count() {
      var rows = all("tbody tr", table).filter(function (row) { return !row.hidden; });
      var whole = scroll.classList.contains("whole");
      var cut = scroll.scrollHeight > scroll.clientHeight + 1;
      more.hidden = !whole && !cut;
      if (whole) {
        more.textContent = "all " + rows.length + " rows: show fewer";
      } else if (cut) {
        var end = scroll.getBoundingClientRect().top + scroll.clientHeight + scroll.scrollTop;
        var seen = rows.filter(function (row) { return row.getBoundingClientRect().bottom +
          scroll.scrollTop <= end + 1; }).length;
        more.textContent = seen + " of " + rows.length + " rows: show all";
      }
      more.setAttribute("aria-expanded", String(whole));
    }
    var caption = table.querySelector("caption");
    var name = named(caption && caption.textContent, "table", number + 1);
    bar.append(more, button("Save CSV", "Save the table as CSV: " + name, function () {
      save(name + ".csv", new Blob([asCsv(table)], { type: "text/csv;charset=utf-8" }));
    }));
    scroll.after(bar);
    scroll.addEventListener("rows", count);
    window.addEventListener("resize", count);
    count();
  });

  // -- what can be scrolled can be reached by keyboard

  function reach() {
    all("details.code pre, .text pre, section.text table, .plot").forEach(function (block) {
      if (block.scrollWidth > block.clientWidth) {
        block.setAttribute("tabindex", "0");
      } else {
        block.removeAttribute("tabindex");
      }
    });
  }
  window.addEventListener("resize", reach);
  reach();

  // -- paper: what is wider than the page is made smaller

  window.addEventListener("beforeprint", function () {
    all(".scroll table, section.text table").forEach(function (table) {
      var width = Math.max(table.scrollWidth, table.offsetWidth);
      if (width > PAPER_WIDTH) { table.style.zoom = String(PAPER_WIDTH / width); }
    });
  });
  window.addEventListener("afterprint", function () {
    all(".scroll table, section.text table").forEach(function (table) { table.style.zoom = ""; });
  });

  var contents = document.querySelector("#contents details");
  if (window.matchMedia("(max-width: 70rem)").matches) { contents.open = false; }
})();
