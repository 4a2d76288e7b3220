"use strict";
(function () {
  var MOST = 40;
  var AROUND = 70;
  var held = JSON.parse(document.getElementById("words").textContent);
  var box = document.getElementById("search");
  var field = box.querySelector("input");
  var said = box.querySelector("output");
  var list = box.querySelector("ol");
  var sections = held.sections.map(function (one) {
    var page = held.pages[one[0]];
    return {
      address: encodeURIComponent(page.file) + (one[1] ? "#" + encodeURIComponent(one[1]) : ""),
      title: page.title, heading: one[2], text: one[3],
      head: (page.title + " " + one[2]).toLowerCase(), body: one[3].toLowerCase()
    };
  });

  function score(section, words) {
    var sum = 0;
    for (var at = 0; at < words.length; at += 1) {
      var inHead = section.head.indexOf(words[at]) >= 0;
      if (!inHead && section.body.indexOf(words[at]) < 0) { return 0; }
      sum += inHead ? 10 : 1;
    }
    return sum;
  }

  // The text around the first word, with all words marked; never as markup.
  function excerpt(section, words) {
    var line = document.createElement("p");
    var places = words.map(function (word) { return section.body.indexOf(word); })
      .filter(function (place) { return place >= 0; });
    var first = places.length ? Math.min.apply(null, places) : 0;
    var start = Math.max(0, first - AROUND);
    var part = section.text.slice(start, first + 2 * AROUND);
    if (start > 0) { line.append("… "); }
    var lower = part.toLowerCase();
    var done = 0;
    while (done < part.length) {
      var next = part.length;
      var length = 0;
      words.forEach(function (word) {
        var place = lower.indexOf(word, done);
        if (place >= 0 && (place < next || place === next && word.length > length)) {
          next = place;
          length = word.length;
        }
      });
      line.append(part.slice(done, next));
      if (length) {
        var mark = document.createElement("mark");
        mark.textContent = part.slice(next, next + length);
        line.append(mark);
      }
      done = next + length;
    }
    if (start + part.length < section.text.length) { line.append(" …"); }
    return line;
  }

  function look() {
    var words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    var hits = [];
    if (words.length) {
      sections.forEach(function (section, number) {
        var worth = score(section, words);
        if (worth) { hits.push({ section: section, worth: worth, number: number }); }
      });
      hits.sort(function (a, b) { return b.worth - a.worth || a.number - b.number; });
    }
    list.textContent = "";
    hits.slice(0, MOST).forEach(function (hit) {
      var item = document.createElement("li");
      var link = document.createElement("a");
      link.href = hit.section.address;
      link.textContent = hit.section.title +
        (hit.section.heading && hit.section.heading !== hit.section.title
          ? " › " + hit.section.heading : "");
      item.append(link, excerpt(hit.section, words));
      list.append(item);
    });
    var more = hits.length > MOST ? ", the first " + MOST + " shown" : "";
    said.textContent = !words.length ? "" : hits.length === 0 ? "found nowhere"
      : "found in " + hits.length + (hits.length === 1 ? " section" : " sections") + more;
  }

  field.addEventListener("input", look);
  box.hidden = false;
})();
